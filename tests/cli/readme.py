"""Reads every README.md of the project: readme.py SOURCE BUILD FOLDER

The commands of the blocks that begin with ```console are written to FOLDER, a script a file, FOLDER/list names them in the order in
which they are to run. A command is a line that begins with "$ "; lines behind it that begin with "> " belong to it. A word behind
"console" says that the test cannot run the block, and why: REASONS. FOLDER/redis/SCRIPT and FOLDER/SCRIPT differ in the blocks that
need a Redis.

Refused are commands in any other block, other words, commands in the text whose program or option does not exist, and paths and
links that lead nowhere."""
import os, re, subprocess, sys

REASONS = {
    "root": "it changes the machine",
    "installed": "it needs an installed library: tests/cli/library.sh does the same",
    "ml-1m": "it needs MovieLens 1M, and takes minutes",
    "minutes": "it takes minutes",
    "chromium": "it needs a browser, and writes into the sources",
    "other-test": "it has a test of its own: tests/cli/demo.sh, tests/cli/check.sh",
    "redis": None,  # run where there is one
}
KINDS = {"console", "c", "json", "text"}
SOURCES = (".c", ".h", ".cpp", ".map", ".md", ".py", ".sh", ".build")

source, build, folder = sys.argv[1:]
problems, helps = [], {}


def readmes():
    """Paths in the source folder, README.md first; build folders have none of ours."""
    found = []
    for top, folders, files in os.walk(source):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and not os.path.exists(f"{top}/{f}/meson-private"))
        if top == source:
            folders[:] = [f for f in folders if os.path.exists(f"{source}/{f}/meson.build") or f in ("src", "data")]
        found += [os.path.relpath(os.path.join(top, "README.md"), source)] * ("README.md" in files)
    return found


def help_of(command):
    if command not in helps:
        done = subprocess.run([f"{build}/tools/marquee", *command.split(), "--help"], capture_output=True, text=True)
        helps[command] = done.stdout if done.returncode == 0 else None
    return helps[command]


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def script(program):
    """The text of a program of tools/ or benchmarks/, and of what it runs in tests/: its options stand there. None without one."""
    for path in (program, program + ".c"):
        if os.path.isfile(f"{source}/{path}"):
            text = text_of(f"{source}/{path}")
            return text + "".join(text_of(f"{source}/{other}") for other in re.findall(r"/(tests/[\w/]+\.py)", text))
    return None


def everything():
    """Where an option that stands alone may be known."""
    if "all" not in helps:
        commands = re.findall(r"^  ([a-z]+) +[a-z]", help_of("").split("commands:")[1].split("\n\n")[0], re.M)
        scripts = [f"{where}/{name}" for where in ("tools", "benchmarks") for name in sorted(os.listdir(f"{source}/{where}"))
                   if "." not in name and os.path.isfile(f"{source}/{where}/{name}")]
        helps["all"] = "".join([help_of(command) for command in commands] + [script(path) for path in scripts])
    return helps["all"]


def check_code(where, code):
    """What stands between two backticks."""
    words = code.split()
    if not words:
        return
    program, options = words[0], [option for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", code)]
    if program in ("marquee", "infer"):
        command = "infer" if program == "infer" else words[1] if len(words) > 1 and words[1].islower() else ""
        text = help_of(command) if not command.startswith("-") else help_of("")
        if text is None:
            problems.append(f"{where}: `{code}`: marquee has no command \"{command}\"")
            return
    elif re.match(r"(tools|benchmarks)/[\w/-]+$", program):
        text = script(program)
        if text is None:
            if not os.path.isdir(f"{source}/{program}"):
                problems.append(f"{where}: `{code}`: there is no {program}")
            return
    elif program.startswith("--"):
        text = everything()
    else:
        if re.match(r"[\w.-]+(/[\w.-]+)+$", code) and code.endswith(SOURCES):
            bases = (source, os.path.dirname(f"{source}/{where}"), f"{source}/src")
            if not any(os.path.exists(f"{base}/{code}") for base in bases) and not re.search("[A-Z]{3}", os.path.basename(code)):
                problems.append(f"{where}: `{code}`: there is no such file")
        return
    for option in options:
        known = option in ("--help", "--version") or re.search(option + r"(?![\w-])", text) or f'"{option[2:]}"' in text
        if not known:
            who = "no program knows" if program == option else program + " does not know"
            problems.append(f"{where}: `{code}`: {who} {option}")


def anchors(path):
    """Of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text_of(path), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_link(where, target):
    if re.match(r"[a-z]+:", target):
        return
    path, _, anchor = target.partition("#")
    path = os.path.normpath(os.path.join(source, os.path.dirname(where), path)) if path else os.path.join(source, where)
    if not os.path.exists(path):
        problems.append(f"{where}: the link to {target} leads nowhere")
    elif anchor and anchor not in anchors(path):
        problems.append(f"{where}: the link to {target}: no such heading")


def check_text(where, text):
    for code in re.findall(r"(`+)(.+?)\1", text, re.S):
        check_code(where, re.sub(r"\s+", " ", code[1]).strip())
    for target in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`]*`", "", text)):
        check_link(where, target)


def commands_of(lines):
    commands, before = [], False
    for line in lines:
        before = line.startswith("$ ") or (before and (line.startswith("> ") or line == ">"))
        if before:
            commands.append(line[2:])
    return commands


def read(where):
    """Checks a file; its commands, and those that run only beside a Redis."""
    lines, prose, out = text_of(f"{source}/{where}").split("\n"), [], []
    at = 0
    while at < len(lines):
        if not lines[at].startswith("```"):
            prose.append(lines[at])
            at += 1
            continue
        fence = at
        at += 1
        while at < len(lines) and lines[at] != "```":
            at += 1
        block, at = lines[fence + 1:at], at + 1
        kind, *reason = lines[fence][3:].split()[:2] or [""]
        commands = commands_of(block)
        line = f"{where}:{fence + 1}"
        if kind not in KINDS or (reason and (kind != "console" or reason[0] not in REASONS)):
            problems.append(f"{line}: \"{lines[fence]}\": want one of {', '.join(sorted(KINDS))}, behind console nothing or one "
                            f"of {', '.join(REASONS)}")
        elif kind != "console" and commands:
            problems.append(f"{line}: commands in a block of {kind}, which no test runs")
        elif kind == "console" and not commands:
            problems.append(f"{line}: a console without commands")
        elif kind == "console":
            out += [(command, reason[0] if reason else "") for command in commands]
    check_text(where, "\n".join(prose))
    return out


names = []
for where in readmes():
    found = read(where)
    for beside, may_run in (("", ("",)), ("redis/", ("", "redis"))):
        commands = [command for command, reason in found if reason in may_run]
        if commands:
            name = where.replace("/", "-")
            os.makedirs(f"{folder}/{beside}", exist_ok=True)
            with open(f"{folder}/{beside}{name}", "w", encoding="utf-8") as file:
                file.write("\n".join(commands) + "\n")
            names += [name] * (name not in names)
with open(f"{folder}/list", "w", encoding="utf-8") as file:
    file.write("".join(name + "\n" for name in names))
if problems:
    sys.exit("\n".join(problems))
