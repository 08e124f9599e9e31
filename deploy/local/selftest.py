#!/usr/bin/env python3
"""Tries `make run` and the test servers the hard way, with stand-ins for the Rust programs: Ctrl-C, TERM and kill -9 at every stage,
a service that dies, one that always dies, ports in use, addresses that do not work. After each, nothing may be left running.

    deploy/local/selftest.py            about four minutes; needs Linux (/proc) and the two servers' packages

It works in a copy of the scripts, in a folder of its own and on ports of its own.
"""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PORT_BASE = 19300
SERVICES = ["query", "ingest", "identity", "alerting", "webhook"]

STAND_IN = """#!/usr/bin/env python3
import http.server, os, signal, sys, time
name = os.path.basename(sys.argv[0])
if os.path.exists(sys.argv[0] + ".dies"):
    print(name + " cannot do it")
    sys.exit(3)
began = time.time()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if time.time() - began > 0.5 else 503)
        self.end_headers()
    def log_message(self, *args):
        pass
host, port = os.environ["LISTEN_ADDR"].split(":")
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
assert os.environ["DATABASE_URL"].startswith("postgres://sightline_" + name + ":"), "another role's address"
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"""
DEMO = "#!/bin/bash\necho the demo is up\nwhile :; do sleep 1; done\n"
MIGRATE = "#!/bin/sh\necho migrating\nsleep 1\n"


class Clone:
    """A copy of the scripts with stand-ins, and whatever runs in it."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="sightline-selftest-")
        os.chmod(self.root, 0o755)
        os.makedirs(f"{self.root}/deploy")
        shutil.copytree(HERE, f"{self.root}/deploy/local")
        self.bin = f"{self.root}/bin"
        os.makedirs(self.bin)
        for name, text in [(service, STAND_IN) for service in SERVICES] + [("demo", DEMO), ("migrate", MIGRATE)]:
            self.program(name, text)
        with open(f"{self.root}/Makefile", "w", encoding="utf-8") as file:
            file.write("run:\n\t@deploy/local/run.sh\n")

    def program(self, name, text):
        with open(f"{self.bin}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{self.bin}/{name}", 0o755)

    def pid_of(self, part):
        with open(f"{self.root}/.run/dev/pids/{part}", encoding="utf-8") as file:
            return int(file.read())

    def processes(self):
        """Whatever works in the clone, or was started with its name: process id and command line."""
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    command = file.read().replace(b"\0", b" ").decode(errors="replace")
                with open(f"/proc/{entry}/environ", "rb") as file:
                    environment = file.read().decode(errors="replace")
                folder = os.readlink(f"/proc/{entry}/cwd")
            except OSError:
                continue
            if command and any(self.root in text for text in (command, environment, folder)):
                yield int(entry), command

    def left_running(self):
        """These processes, and ports that still answer."""
        left = [f"process {process}: {command[:90]}" for process, command in self.processes()]
        for port in range(PORT_BASE, PORT_BASE + 20):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    left.append(f"port {port}")
        return left

    def expect_nothing_left(self, seconds=15):
        deadline = time.time() + seconds
        while (left := self.left_running()) and time.time() < deadline:
            time.sleep(0.3)
        assert not left, "left running:\n  " + "\n  ".join(left)

    def run(self, command, reactions=(), environment=None, limit=90):
        """Runs a command in a terminal. `reactions` are (text, action): when the text appears, the action is called with the
        process and the terminal. Returns exit code and output."""
        settings = dict(os.environ, BIN_DIR=self.bin, PORT_BASE=str(PORT_BASE), TERM="xterm", MARK=self.root)
        for variable in ("DATABASE_URL", "AMQP_URL", "TEST_DATABASE_URL", "TEST_AMQP_URL", "TEST_RABBITMQ_API", "MAKELEVEL", "MAKEFLAGS"):
            settings.pop(variable, None)
        settings.update(environment or {})
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.root)
            os.execvpe(command[0], command, settings)
        output, seen, waiting, deadline = "", 0, list(reactions), time.time() + limit
        while True:
            assert time.time() < deadline, f"{command} did not end in {limit} s; its output:\n{output}"
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    data = os.read(terminal, 65536)
                except OSError:
                    break
                if not data:
                    break
                output += data.decode(errors="replace")
            if waiting and (found := output.find(waiting[0][0], seen)) >= 0:
                seen = found + len(waiting[0][0])
                waiting.pop(0)[1](process, terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.close(terminal)
        assert not waiting, f"never appeared: {waiting[0][0]!r}; the output:\n{output}"
        return status, output


def ctrl_c(_process, terminal):
    time.sleep(0.3)
    os.write(terminal, b"\x03")


def send(number):
    return lambda process, _terminal: os.kill(process, number)


RUN = ["deploy/local/run.sh"]
STAGES = ["PostgreSQL", "RabbitMQ", "migrations", "query", "the demo is up"]


def ctrl_c_at_every_stage(clone):
    for stage in STAGES:
        status, output = clone.run(RUN, [(stage, ctrl_c)])
        assert status == 130 and "Stopped." in output, (stage, status, output)
        clone.expect_nothing_left(3)


def term_stops_everything(clone):
    status, _ = clone.run(RUN, [("the demo is up", send(signal.SIGTERM))])
    assert status == 143, status
    clone.expect_nothing_left(3)


def kill_at_every_stage_is_tidied_up(clone):
    for stage in STAGES:
        status, _ = clone.run(RUN, [(stage, send(signal.SIGKILL))])
        assert status == -signal.SIGKILL, (stage, status)
        clone.expect_nothing_left(30)


def make_that_ends_takes_all_with_it(clone):
    for number in (signal.SIGTERM, signal.SIGKILL):
        clone.run(["make", "run"], [("the demo is up", send(number))])
        clone.expect_nothing_left(30)


def a_dead_service_is_started_again(clone):
    def kill_ingest(_process, _terminal):
        os.kill(clone.pid_of("ingest"), signal.SIGKILL)

    def stop(process, terminal):
        deadline = time.time() + 10
        while time.time() < deadline:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", PORT_BASE + 1)) == 0:
                    break
            time.sleep(0.2)
        else:
            raise AssertionError("ingest did not come back")
        ctrl_c(process, terminal)

    status, output = clone.run(RUN, [("the demo is up", kill_ingest), ("ingest was ended by signal 9; starting it again in 1 s", stop)])
    assert status == 130, (status, output)
    clone.expect_nothing_left(3)


def a_service_that_always_dies_ends_the_run(clone):
    clone.program("webhook.dies", "")
    try:
        status, output = clone.run(RUN)
    finally:
        os.remove(f"{clone.bin}/webhook.dies")
    assert status == 1 and "5 times within seconds" in output and "webhook cannot do it" in output, (status, output)
    clone.expect_nothing_left(3)


def a_failed_migration_ends_the_run(clone):
    clone.program("migrate", "#!/bin/sh\necho the schema is broken\nexit 1\n")
    try:
        status, output = clone.run(RUN)
    finally:
        clone.program("migrate", MIGRATE)
    assert status == 1 and "the schema is broken" in output, (status, output)
    clone.expect_nothing_left(3)


def only_one_run_in_a_clone(clone):
    def second(process, terminal):
        status, output = clone.run(RUN)
        assert status == 1 and "runs already" in output, (status, output)
        ctrl_c(process, terminal)

    status, _ = clone.run(RUN, [("the demo is up", second)])
    assert status == 130, status
    clone.expect_nothing_left(3)


def a_port_in_use_is_named_with_the_remedy(clone):
    for offset, part in ((3, "alerting"), (6, "postgresql"), (12, "rabbitmq")):
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", PORT_BASE + offset))
            other.listen()
            status, output = clone.run(RUN)
        assert status == 1 and f"port {PORT_BASE + offset}, meant for {part}, is taken" in output, (status, output)
        assert f"PORT_BASE={PORT_BASE + 1000}" in output, output
    clone.expect_nothing_left(3)


def addresses_that_do_not_work_are_named(clone):
    for environment, words in (
        ({"DATABASE_URL": "postgres://a:b@127.0.0.1:1/x"}, "does not answer"),
        ({"DATABASE_URL": "postgres://a:b@127.0.0.1"}, "has to look like"),
        ({"AMQP_URL": "amqp://a:b@127.0.0.1:1/x"}, "does not answer"),
    ):
        status, output = clone.run(RUN, environment=environment)
        assert status == 1 and words in output and "unset" in output, (environment, status, output)
    clone.expect_nothing_left(3)


def a_broken_postgresql_is_explained(clone):
    broken = f"{clone.root}/broken"
    os.makedirs(broken)
    for name, text in (("postgres", "#!/bin/sh\necho 'postgres (PostgreSQL) 17.1'\n"), ("initdb", "#!/bin/sh\necho the disk is on fire\nexit 1\n")):
        with open(f"{broken}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{broken}/{name}", 0o755)
    clone.run(["deploy/local/run.sh", "reset"])
    status, output = clone.run(RUN, environment={"PG_BINDIR": broken})
    assert status == 1 and "the disk is on fire" in output and "initdb could not" in output, (status, output)
    clone.expect_nothing_left(3)


def missing_cargo_is_named(clone):
    status, output = clone.run(RUN, environment={"BIN_DIR": "", "PATH": "/usr/bin:/bin"})
    assert status == 1 and "rustup.rs" in output, (status, output)


TEST_RUN = ["deploy/local/test.sh", "run", "sh", "-c", "echo the tests run; sleep 60"]


def test_servers_end_with_the_tests(clone):
    status, output = clone.run(["deploy/local/test.sh", "run", "sh", "-c", 'test -n "$TEST_DATABASE_URL$TEST_AMQP_URL" && exit 7'])
    assert status == 7, (status, output)
    clone.expect_nothing_left(0)
    for number, expected in ((signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)):
        status, output = clone.run(TEST_RUN, [("the tests run", send(number))])
        assert status == expected, (number, status, output)
        # After kill -9 the command itself lives on until its own end; its servers do not.
        for process, command in clone.processes():
            if command.startswith("sleep 60"):
                os.kill(process, signal.SIGKILL)
        clone.expect_nothing_left(20)
    status, output = clone.run(TEST_RUN, [("the tests run", ctrl_c)])
    assert status == 130, (status, output)
    clone.expect_nothing_left(0)


def test_servers_that_were_kept_stay(clone):
    status, first = clone.run(["deploy/local/test.sh", "up"])
    assert status == 0, first
    status, second = clone.run(["deploy/local/test.sh", "run", "sh", "-c", "echo url=$TEST_DATABASE_URL"])
    assert status == 0 and re.search(r"url=(\S+)", second).group(1) in first, second
    assert clone.left_running(), "the servers are gone"
    status, _ = clone.run(["deploy/local/test.sh", "down"])
    assert status == 0
    clone.expect_nothing_left(0)


TESTS = [
    missing_cargo_is_named,
    addresses_that_do_not_work_are_named,
    a_port_in_use_is_named_with_the_remedy,
    a_broken_postgresql_is_explained,
    a_failed_migration_ends_the_run,
    ctrl_c_at_every_stage,
    kill_at_every_stage_is_tidied_up,
    term_stops_everything,
    make_that_ends_takes_all_with_it,
    a_dead_service_is_started_again,
    a_service_that_always_dies_ends_the_run,
    only_one_run_in_a_clone,
    test_servers_end_with_the_tests,
    test_servers_that_were_kept_stay,
]


def main(wanted):
    failed = 0
    clone = Clone()
    try:
        for test in TESTS:
            if wanted and test.__name__ not in wanted:
                continue
            began = time.time()
            try:
                test(clone)
                print(f"  ok    {test.__name__} ({time.time() - began:.0f} s)", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"  FAIL  {test.__name__}: {error}", flush=True)
    finally:
        for command in (["run.sh", "reset"], ["test.sh", "down", "--force"]):
            subprocess.run([f"{clone.root}/deploy/local/{command[0]}", *command[1:]], capture_output=True, check=False)
        shutil.rmtree(clone.root, ignore_errors=True)
    sys.exit(1 if failed else 0)


main(sys.argv[1:])
