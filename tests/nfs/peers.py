"""koji's rmtree before and after its pull request 2699, as this lane's own small rendering.

Written from what the pull request says and does (docs/lineage.md), for comparison only: where it
does not show a line, the reading that fails less is taken.
"""

import errno
import os
import stat

GONE = (errno.ENOENT, errno.ESTALE)


def koji_before(path):
    """koji's rmtree before the pull request."""
    device = _device(path)
    if device is None:
        return
    home, root = os.getcwd(), os.path.abspath(path)
    try:
        try:
            os.chdir(path)
        except OSError as error:
            # The wrong way round: what is gone raises, and anything else passes for done.
            if error.errno in GONE:
                raise
            return
        _walk_before(device, root)
    finally:
        os.chdir(home)
    try:
        os.rmdir(path)
    except OSError as error:
        # Not empty is a warning in a log.
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
            raise


def _walk_before(device, root):
    levels = []
    while True:
        names = _strip(device)
        while levels and not names:
            try:
                os.chdir("..")
            except OSError as error:
                if error.errno not in GONE:
                    raise
                # The directory that was lost is stripped, and only then the root entered: an empty
                # list ends the walk with the root unread.
                levels = []
                names = _strip(device)
                if not _enter(root):
                    return
                continue
            names = levels.pop()
            _rmdir(names.pop())
        if not names:
            return
        levels.append(names)
        try:
            os.chdir(names[-1])
        except FileNotFoundError:
            levels = []
            if not _enter(root):
                return


def _enter(root):
    try:
        os.chdir(root)
    except FileNotFoundError:
        return False
    return True


class _Again(Exception):
    """The way is lost: start at the root."""


def koji_after(path):
    """koji's rmtree after the pull request."""
    device = _device(path)
    if device is None:
        return
    home = os.getcwd()
    try:
        while True:
            try:
                os.chdir(path)
            except OSError as error:
                if error.errno in GONE:
                    return
                raise
            try:
                _walk_after(device)
                break
            except _Again:
                os.chdir(home)
    finally:
        os.chdir(home)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass


def _walk_after(device):
    levels = []
    while True:
        names = _strip(device)
        while levels and not names:
            try:
                os.chdir("..")
            except OSError as error:
                if error.errno in GONE:
                    raise _Again from error
                raise
            names = levels.pop()
            _rmdir(names.pop())
        if not names:
            return
        try:
            os.chdir(names[-1])
        except FileNotFoundError:
            # Taken off a list that the next reading replaces.
            names.pop()
            continue
        levels.append(names)


def _device(path):
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(path)
    return found.st_dev


def _strip(device):
    """Unlinks what is no directory in the current one, and returns the names of the others."""
    try:
        listed = os.listdir(".")
    except OSError as error:
        if error.errno in GONE:
            return []
        raise
    names = []
    for name in listed:
        try:
            found = os.lstat(name)
        except OSError as error:
            if error.errno in GONE:
                continue
            raise
        if found.st_dev != device:
            continue
        if stat.S_ISDIR(found.st_mode):
            names.append(name)
            continue
        try:
            os.unlink(name)
        except OSError:
            pass
    return names


def _rmdir(name):
    try:
        os.rmdir(name)
    except OSError:
        pass
