"""The worker: reads one file from standard input, and says on standard output what it is (found.py).

It is a process of its own, with a bound to its memory and its time: what is wrong with a file, or with the libraries
that read it, is not wrong with the server. Django is not loaded here, and nothing of its secrets.
"""

import resource
import sys

MEMORY = 2 * 1024**3  # bytes of addresses: 50 million pixels, some copies of them, and the libraries
SECONDS = 15  # of CPU; a picture of 48 million pixels takes four, twenty minutes of sound thirteen (2 cores)
WRITTEN = 256 * 1024**2  # bytes


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # after the limits, since they are for these
    from localroots_chat.media.documents import document
    from localroots_chat.media.found import Refusal, write, write_refusal
    from localroots_chat.media.pictures import picture
    from localroots_chat.media.sounds import sound

    out = sys.stdout.buffer
    try:
        for kind in (picture, sound, document):
            sys.stdin.buffer.seek(0)
            found = kind(sys.stdin.buffer)
            if found is not None:
                write(found, out)
                return
        raise Refusal("file_type", "Pictures, sounds, PDF and plain text are taken.")
    except Refusal as refusal:
        write_refusal(refusal, out)
    except MemoryError:
        write_refusal(Refusal("image_too_large", "This takes too much to read."), out)


if __name__ == "__main__":
    main()
