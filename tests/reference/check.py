#!/usr/bin/env python3
"""Makes the reference and checks that it is whole.

Each call that the library exports, and each inline one, has a comment that says whether it is
collective, which statuses it fails with and who owns what its pointers point to, has an example that
calls it, and has a manual page; doxygen has nothing to complain of. The calls are taken from doxygen's
XML and from the library's symbols: no list is kept by hand.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

# What a comment says of memory that somebody owns.
OWNERSHIP = re.compile(r"\b(caller's|library's|future's|program's|cop(y|ies|ied)|valid|lives?|outlives?|"
                       r"releases?d?|frees?|freed|constant text)\b", re.IGNORECASE)
# Pointers that need none: the library's objects, and functions.
HANDLE = re.compile(r"(const )?rp_(pool|future|iter|queue|call|fn|source|sink|combine|callback) ?\*$")
# A manual page's sections, in this order.
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLE", "SEE ALSO"]

# What a reader sees on these pages.
RENDERED = {
    "rp_map": [r"^NAME\n +rp_map - Maps fn over an array", r"^SYNOPSIS\n +#include <rankpool/rankpool\.h>\n",
               r"^ +rp_status rp_map\(rp_pool \*pool, ", r"^DESCRIPTION\n +Maps fn", r"^ERRORS\n +\w",
               r"^CALLED\n[^#]*Not collective\.", r'^EXAMPLE\n(.+\n)+ +fprintf\(stderr, "%s\\n",',
               r"^SEE ALSO\n +rankpool_maps\(3\)"],
    "rp_options": [r"^ +#include <rankpool/rankpool\.h>\n", r"^ +int workers\n +on all nodes together; 0: one per usable core"],
    "rp_open_comm": [r"^ +#include <rankpool/mpi\.h>\n"],
    "rankpool": [r"^ +rankpool - maps functions over", r'^ +return fprintf\(stderr, "%s\\n", rp_last_error',
                 r"^SEE ALSO\n(.+\n)*.*rankpool_maps\(3\)"],
}


def text_of(element):
    if element is None:
        return ""
    for space in element.iter("sp"):
        space.text = " "
    return " ".join("".join(element.itertext()).split())


class Call:
    def __init__(self, member):
        self.name = member.findtext("name")
        self.inline = member.get("inline") == "yes"
        kinds = [text_of(kind) for kind in [member.find("type"), *member.findall("param/type")]]
        self.fails = kinds[0] == "rp_status"
        self.pointers = [kind for kind in kinds if kind.endswith("*") and not HANDLE.match(kind)]
        parts = {}
        details = member.find("detaileddescription")
        for holder in list(details.iter()):
            for part in holder.findall("simplesect"):
                parts[part.findtext("title")] = " ".join(map(text_of, part.findall("para")))
                holder.remove(part)
        self.errors, self.example = parts.get("Errors", ""), parts.get("Example", "")
        self.brief = text_of(member.find("briefdescription"))
        self.text = " ".join([self.brief, text_of(details), self.errors, parts.get("Called", "")])

    def faults(self, statuses):
        """What its comment lacks."""
        if not self.brief:
            yield "has no comment"
        if "ollective" not in self.text:
            yield "does not say whether it is collective"
        named = re.findall(r"\bRP_[A-Z_]+", self.errors)
        if self.fails and not named:
            yield "returns an rp_status, and names no errors"
        yield from (f"names {name}, which is no status" for name in named if name not in statuses)
        if self.pointers and not OWNERSHIP.search(self.text):
            yield f"has pointers ({', '.join(self.pointers)}), and does not say who owns what"
        if f"{self.name} (" not in self.example.replace("(", " ("):
            yield "has no example that calls it"


def make(options, folder):
    settings = ["GENERATE_XML = YES", "XML_PROGRAMLISTING = NO"]
    command = [options.make, options.doxygen, options.doxyfile, options.examples, folder, *settings]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or done.stdout:
        yield f"doxygen complains (exit status {done.returncode}):\n{done.stdout}"


def read_xml(folder):
    calls, statuses = {}, set()
    for path in sorted(folder.glob("xml/group__*.xml")):
        for member in ElementTree.parse(path).iter("memberdef"):
            if member.get("kind") == "function":
                calls[member.findtext("name")] = Call(member)
            elif member.findtext("name") == "rp_status":
                statuses = {value.findtext("name") for value in member.findall("enumvalue")}
    return calls, statuses


def check_calls(calls, statuses, symbols):
    for name in sorted(symbols - calls.keys()):
        yield f"{name} is exported, and in no header that doxygen reads"
    for name in sorted(calls.keys() - symbols):
        if not calls[name].inline:
            yield f"{name} is declared, and not exported"
    for name, call in sorted(calls.items()):
        yield from (f"{name} {fault}" for fault in call.faults(statuses))


def has_text(body):
    """Whether something stands there besides commands such as .nf."""
    return any(re.search(r"\w", re.sub(r"^\.\w+", "", line)) for line in body.splitlines())


def check_page(folder, call):
    """A call's manual page has its sections, and none of them is empty."""
    path = folder / f"{call.name}.3"
    if not path.exists():
        return f"{call.name} has no manual page"
    parts = re.split(r'^\.SH "?([A-Z ]+?)"?$', path.read_text(), flags=re.MULTILINE)
    bodies = dict(zip(parts[1::2], parts[2::2]))
    wanted = SECTIONS + ["ERRORS"] * call.fails
    lacking = [title for title in wanted if not has_text(bodies.get(title, ""))]
    if lacking:
        return f"{path.name} has nothing under {', '.join(lacking)}"
    if [title for title in bodies if title in SECTIONS] != SECTIONS:
        return f"{path.name} has its sections in the order {', '.join(bodies)}"
    return None


def check_rendered(folder):
    """The pages as a reader sees them."""
    if not shutil.which("groff"):
        print("(there is no groff: pages are not rendered)")
        return
    render = ["groff", "-man", "-Tascii", "-P-cbou", "-ww"]
    pages = sorted(folder.iterdir())
    done = subprocess.run([*render, *pages], capture_output=True, text=True)
    if done.stderr:
        yield f"groff complains:\n{done.stderr}"
    yield from (f"a reader sees markup: {line}" for line in done.stdout.splitlines()
                if re.search(r"\\[*<#@]|#rp_|#RP_|\\par|\\snippet", line))
    for name, wanted in RENDERED.items():
        text = subprocess.run([*render, folder / f"{name}.3"], capture_output=True, text=True).stdout
        yield from (f"{name}.3 as a reader sees it lacks {pattern!r}:\n{text}" for pattern in wanted
                    if not re.search(pattern, text, flags=re.MULTILINE))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for argument in ["--nm", "--library", "--folder"]:
        parser.add_argument(argument, required=True)
    for argument in ["make", "doxygen", "doxyfile", "examples"]:
        parser.add_argument(argument)
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)

    faults = list(make(options, folder))
    names = subprocess.run([options.nm, "-D", "--defined-only", "--format=posix", options.library],
                           check=True, capture_output=True, text=True).stdout
    symbols = {line.split()[0] for line in names.splitlines()}
    calls, statuses = read_xml(folder)
    faults += check_calls(calls, statuses, symbols)
    faults += filter(None, (check_page(folder / "man3", call) for _, call in sorted(calls.items())))
    faults += check_rendered(folder / "man3")
    for fault in faults:
        print(fault)
    print(f"{len(calls)} calls, {len(faults)} faults")
    return not calls or bool(faults)


if __name__ == "__main__":
    sys.exit(main())
