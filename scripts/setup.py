"""Make this checkout ready: Python environment, front-end, translations, and the tools that tests need.

    python3 scripts/setup.py run frontend messages     # what `make run` needs
    python3 scripts/setup.py dev frontend messages tools

Standard library only, because it runs before anything is installed. Each part is stamped with a digest of what
it was made from, so a call that finds everything in place costs a few hundredths of a second.
"""

import hashlib
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "saat-stamp.json")
FRONTEND = os.path.join(ROOT, "frontend")
DIST = os.path.join(ROOT, "saat", "web", "static", "saat", "dist")
LOCALE = os.path.join(ROOT, "saat", "locale")
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 18
PARTS = ("run", "dev", "frontend", "messages", "tools")


class CannotSetUp(Exception):
    """What is missing and what to do about it, in one sentence."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def digest_of(*paths):
    """Return one digest over the names and contents of files and of folders' files."""
    total = hashlib.sha256()
    for path in paths:
        names = [path]
        if os.path.isdir(path):
            names = sorted(os.path.join(folder, name) for folder, _, found in os.walk(path) for name in found)
        for name in names:
            total.update(os.path.relpath(name, ROOT).encode())
            with open(name, "rb") as file:
                total.update(hashlib.sha256(file.read()).digest())
    return total.hexdigest()


def read_stamps():
    try:
        with open(STAMP) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def stamp(part, digest):
    stamps = dict(read_stamps(), **{part: digest})
    with open(STAMP + ".new", "w") as file:
        json.dump(stamps, file, indent=1)
    os.replace(STAMP + ".new", STAMP)


def lock_file(name):
    return os.path.join(ROOT, "requirements%s.lock" % ("" if name == "run" else "-" + name))


def catalogues():
    """Return the translation sources (.po), in a stable order."""
    if not os.path.isdir(LOCALE):
        return []
    found = (os.path.join(LOCALE, language, "LC_MESSAGES", "django.po") for language in sorted(os.listdir(LOCALE)))
    return [path for path in found if os.path.exists(path)]


def wanted_digest(part):
    """Return what the part's stamp must say for it to be up to date."""
    if part == "run":
        return digest_of(lock_file("run"), __file__)
    if part == "dev":
        return digest_of(lock_file("run"), lock_file("dev"), __file__)
    if part == "frontend":
        sources = [os.path.join(FRONTEND, name) for name in ("src", "build.mjs", "package-lock.json")]
        return digest_of(*sources)
    return digest_of(*catalogues())


def has_environment(stamps):
    """Whether .venv still fits: its Python is there, of the same version, and the checkout has not moved."""
    if not os.path.exists(PYTHON) or stamps.get("root", ROOT) != ROOT:
        return False
    version = os.path.basename(os.path.realpath(PYTHON))
    return not version.startswith("python3.") or os.path.isdir(os.path.join(VENV, "lib", version))


def is_ready(part, stamps):
    if part == "tools":
        return not missing_tools()
    if not has_environment(stamps):
        return False
    if part == "frontend" and not os.path.exists(os.path.join(DIST, "manifest.json")):
        return False
    if part == "messages" and not all(os.path.exists(path[:-2] + "mo") for path in catalogues()):
        return False
    return stamps.get(part) == wanted_digest(part)


def call(*command, **options):
    """Run one step; its output is shown only if it fails."""
    import subprocess

    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        say(done.stdout[-6000:])
        raise CannotSetUp("This step failed: %s" % " ".join(command))
    return done.stdout


def apt_install(*packages):
    """Install Debian packages, if this is Debian and we are root; return whether that was possible."""
    import shutil

    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say("Installing %s with apt-get…" % ", ".join(packages))
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    call("apt-get", "update", "-qq", env=quiet)
    call("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=quiet)
    return True


# ---------------------------------------------------------------------------------------------- Python environment


def make_venv():
    import importlib.util
    import shutil

    if has_environment(read_stamps()):
        return
    with_pip = True
    if importlib.util.find_spec("ensurepip") is None:
        if shutil.which("uv"):
            with_pip = False
        elif not apt_install("python3-venv"):
            raise CannotSetUp("Python's venv module is incomplete: install it (Debian: apt-get install python3-venv).")
    say("Making the Python environment in .venv…")
    options = [] if with_pip else ["--without-pip"]
    call(sys.executable, "-m", "venv", "--clear", *options, VENV)
    stamp("root", ROOT)


def install(name):
    """Install a lock file into .venv: with uv where the machine has it, else with pip."""
    import shutil
    import subprocess

    lock = lock_file(name)
    say("Installing %s…" % os.path.basename(lock))
    uv = shutil.which("uv")
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", lock]
        if not subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            return
    call(PYTHON, "-m", "ensurepip", "--upgrade")
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    call(PYTHON, "-m", "pip", "install", *quiet, "--require-hashes", "-r", lock)


def link_package():
    """Let .venv find the package in this checkout, and give it the `saat` command."""
    folder = call(PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    with open(os.path.join(folder, "saat-checkout.pth"), "w") as file:
        file.write(ROOT + "\n")
    command = os.path.join(VENV, "bin", "saat")
    with open(command, "w") as file:
        file.write("#!%s\nimport sys\n\nfrom saat.config.command import main\n\nsys.exit(main())\n" % PYTHON)
    os.chmod(command, 0o755)


def set_up_python(part):
    make_venv()
    install(part)
    link_package()
    stamp("run", wanted_digest("run"))
    stamp(part, wanted_digest(part))


# -------------------------------------------------------------------------------------------------------- front-end


def system_npm():
    """Return the machine's own npm, if it comes with a Node.js that is new enough."""
    import shutil
    import subprocess

    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        return None
    version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    major = version.lstrip("v").split(".")[0]
    return npm if major.isdigit() and int(major) >= OLDEST_NODE else None


def set_up_frontend(part):
    import shutil

    make_venv()
    env = dict(os.environ)
    npm = system_npm()
    if npm is None:
        npm = os.path.join(VENV, "bin", "npm")
        env["PATH"] = os.path.join(VENV, "bin") + os.pathsep + env.get("PATH", "")
        if read_stamps().get("node") != digest_of(lock_file("node")) or not os.path.exists(npm):
            install("node")
            stamp("node", digest_of(lock_file("node")))
    packages = digest_of(os.path.join(FRONTEND, "package-lock.json"))
    if read_stamps().get("packages") != packages or not os.path.isdir(os.path.join(FRONTEND, "node_modules")):
        say("Installing the front-end's packages…")
        call(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=FRONTEND, env=env)
        stamp("packages", packages)
    say("Building the front-end…")
    wanted = wanted_digest(part)
    node = shutil.which("node", path=env.get("PATH"))
    call(node, os.path.join(FRONTEND, "build.mjs"), cwd=FRONTEND, env=env)
    stamp(part, wanted)


# ----------------------------------------------------------------------------------------------- translations, tools


def set_up_messages(part):
    wanted = wanted_digest(part)
    if catalogues():
        call(PYTHON, os.path.join(ROOT, "scripts", "messages.py"), "compile")
    stamp(part, wanted)


def missing_tools():
    """Return the Debian packages that the tests need and that this machine lacks."""
    import glob
    import shutil

    needed = []
    if not (os.environ.get("SAAT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")):
        needed.append("chromium")
    if not (glob.glob("/usr/lib/postgresql/*/bin/initdb") or shutil.which("initdb")):
        needed.append("postgresql")
    if not (shutil.which("mosquitto") or os.path.exists("/usr/sbin/mosquitto")):
        needed.append("mosquitto")
    fonts = ("/usr/share/fonts/**/*[Kk]hmer*", "/usr/share/fonts/**/KhmerOS*")
    if not any(glob.glob(pattern, recursive=True) for pattern in fonts):
        needed.append("fonts-khmeros-core")
    return needed


def set_up_tools(part):
    needed = missing_tools()
    if not apt_install(*needed):
        say("Tests that need them will fail until you install: %s (Debian package names)." % ", ".join(needed))


SET_UP = {
    "run": set_up_python,
    "dev": set_up_python,
    "frontend": set_up_frontend,
    "messages": set_up_messages,
    "tools": set_up_tools,
}


def pending(parts):
    stamps = read_stamps()
    return [part for part in PARTS if part in parts and not is_ready(part, stamps)]


def use_a_new_enough_python():
    """Start again with a newer Python if this one is too old and the machine has one."""
    import shutil

    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(20, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which("python3.%d" % minor)
        if newer:
            os.execv(newer, [newer, os.path.abspath(__file__), *sys.argv[1:]])
    raise CannotSetUp("Saat needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])


def main(parts):
    unknown = sorted(set(parts) - set(PARTS))
    if unknown or not parts:
        say("Say which parts to set up, out of: %s." % ", ".join(PARTS))
        return 2
    if "dev" in parts:
        parts = [part for part in parts if part != "run"]
    if not pending(parts):
        return 0
    try:
        use_a_new_enough_python()
        import fcntl

        # Two calls at once (two terminals, a test beside a run) take turns; the second finds the work done.
        turn = os.open(ROOT, os.O_RDONLY)
        fcntl.flock(turn, fcntl.LOCK_EX)
        for part in pending(parts):
            SET_UP[part](part)
    except CannotSetUp as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
