"""The one exception of prefetch, and how other programs are started."""

import errno
import subprocess


class PrefetchError(Exception):
    """A sentence for the user: what is wrong, and the command that helps."""


def run(*command, **options):
    """Start a program; its standard output, or PrefetchError with the last lines of what it said."""
    try:
        done = subprocess.run([str(word) for word in command], text=True, capture_output=True, **options)
    except FileNotFoundError:
        raise PrefetchError(f"{command[0]} is not installed") from None
    except OSError as error:
        raise full_disk(error) from error
    if done.returncode:
        said = " ".join(line.strip() for line in done.stderr.strip().splitlines()[-4:])
        if "No space left" in said:
            raise PrefetchError(
                f"the disk is full: {command[0]} said: {said}. Free some space (nix-collect-garbage), then run it again"
            )
        raise PrefetchError(f"{command[0]} failed: {said or f'exit status {done.returncode}'}")
    return done.stdout


def full_disk(error):
    """OSError as a sentence."""
    if error.errno == errno.ENOSPC:
        return PrefetchError(
            "the disk is full: free some space (nix-collect-garbage), then run it again; it goes on where it stopped"
        )
    return PrefetchError(f"{error.strerror}: {error.filename}")
