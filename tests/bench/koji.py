"""koji's rmtree after its pull request 2699, rendered by behaviour for the trials.

Written from docs/lineage.md, not from koji's source.
"""

import errno
import os
import stat
import sys

GONE = (errno.ENOENT, errno.ESTALE)


class WayLost(Exception):
    """Going up did not work: start again at the root."""


def strip_here(device):
    """Unlink what is no directory; answer the directories of the device."""
    found = []
    try:
        names = os.listdir(".")
    except OSError as error:
        if error.errno in GONE:
            return found
        raise
    for name in names:
        try:
            status = os.lstat(name)
        except OSError as error:
            if error.errno in GONE:
                continue
            raise
        if status.st_dev != device:
            continue
        if stat.S_ISDIR(status.st_mode):
            found.append(name)
            continue
        try:
            os.unlink(name)
        except OSError:
            # Not fatal: the rmdir of the root will tell.
            pass
    return found


def empty_here(device):
    """Remove everything in the working directory."""
    levels = []
    while True:
        here = strip_here(device)
        while levels and not here:
            try:
                os.chdir("..")
            except OSError as error:
                if error.errno in GONE:
                    raise WayLost() from error
                raise
            here = levels.pop()
            cleared = here.pop()
            try:
                os.rmdir(cleared)
            except OSError:
                # The rmdir of the root will tell.
                pass
        if not here:
            return
        try:
            os.chdir(here[-1])
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            here.pop()
            # What was listed is listed again at the top of the loop.
            continue
        levels.append(here)


def rmtree(path):
    """Remove the tree at path."""
    try:
        status = os.lstat(path)
    except OSError as error:
        if error.errno in GONE:
            return
        raise
    if not stat.S_ISDIR(status.st_mode):
        raise SystemExit("Not a directory: %s" % path)
    before = os.getcwd()
    try:
        while True:
            try:
                os.chdir(path)
            except OSError as error:
                if error.errno in GONE:
                    return
                raise
            try:
                empty_here(status.st_dev)
            except WayLost:
                os.chdir(before)
                continue
            break
    finally:
        os.chdir(before)
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise


rmtree(sys.argv[1])
