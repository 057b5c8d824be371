# The commands that go through Nix. BASE=nixpkgs|debian|auto says what everything is built from (docs/environment.md).
BASE ?= auto
# NAME=notebook or cuda for another shell or container; FROM=DIR, UPDATE=1 for prefetch; FILE= for the bundle.
NAME ?=
FILE ?= reprotest-bundle
export BASE

# What `make test` does first, so that the tests of the flake find Nix, podman and the pinned files.
TEST_EXTRA += nix-ready

.PHONY: shell container check prefetch bundle unbundle nix-ready

shell: ## the development shell (NAME=notebook, NAME=cuda)
	@nix/run shell $(or $(NAME),default)

container: ## build the container image (NAME=container-cuda)
	@nix/run container $(or $(NAME),container)

check: ## every check of the flake, in the sandbox
	@nix/run check

prefetch: ## bring the pinned files into the Nix store (FROM=DIR, UPDATE=1)
	@nix/run prefetch $(if $(FROM),--from $(FROM)) $(if $(UPDATE),--update)

bundle: ## write all pinned files into one FILE for a machine without a mirror
	@nix/run bundle $(FILE)

unbundle: ## take the pinned files from such a FILE
	@nix/run unbundle $(FILE)

nix-ready:
	@nix/run ready || echo "the tests of the flake that need what is missing will be skipped, with the reason"
