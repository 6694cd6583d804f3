"""Runs library.c on a store of two generations."""
import os
import subprocess
import sys
import tempfile

from injector import AGAIN, Control
from world import World, copy

with tempfile.TemporaryDirectory(prefix="marquee-faults-") as work:
    world = World(os.environ["MARQUEE"], os.environ["MRQ_SOURCE"], work)
    control = Control(os.path.join(work, "control"), world.marquee)
    store = os.path.join(work, "served")
    copy(os.path.join(work, "store"), store)
    names = sorted(os.listdir(os.path.join(store, "generations")))[:2]
    world.do("rollback", "--store", store, names[0])
    code = AGAIN
    while code == AGAIN:
        code = subprocess.run([sys.argv[1], store, *names], env=control.environment(), check=False).returncode
sys.exit(code)
