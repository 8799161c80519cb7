# SPDX-License-Identifier: MIT
"""Runs a command in a pseudo-terminal and writes what it shows as JSON: {"columns", "rows", "code", "events": [[seconds, text]]}.

python3 record.py COLUMNS ROWS COMMAND [ARGUMENT...]
"""

import codecs
import fcntl
import json
import os
import pty
import struct
import sys
import termios
import time


def main():
    columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    started = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    events = []
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # Linux reports the other side's end so
            read = b""
        text = decoder.decode(read, final=not read)
        if text:
            events.append([round(time.monotonic() - started, 3), text])
        if not read:
            break
    _, status = os.waitpid(child, 0)
    json.dump({"columns": columns, "rows": rows, "code": os.waitstatus_to_exitcode(status), "events": events}, sys.stdout)


main()
