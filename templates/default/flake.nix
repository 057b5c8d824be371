{
  description = "A training whose environment, container and results are pinned";

  # Where you have reprotest. Without GitHub and a binary cache: git+file:///path/to/reprotest?dir=nix/debian
  inputs.reprotest.url = "github:OWNER/reprotest";

  outputs = { self, reprotest }: reprotest.lib.mkProject {
    src = ./.;
    revision = self.rev or "dirty";
  };
}
