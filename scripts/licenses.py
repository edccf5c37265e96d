"""Puts licences into the bills of scripts/sbom in build/, and prints the list of them all: each by the module's own text."""

import json
import re
import subprocess
import sys
from pathlib import Path

# A licence is known by sentences of its own text, which say more than a similarity. A module whose text has none of
# them ends the build: somebody has to read it.
TEXTS = (
    ("Apache-2.0", r"Apache License\s+Version 2\.0, January 2004"),
    ("MPL-2.0", r"Mozilla Public License,? [Vv]ersion 2\.0"),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms.*Neither the name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("ISC", r"Permission to use, copy, modify, and(/or)? distribute this software for any purpose"),
)


def folder(module, version):
    """Where the module's sources are: the toolchain's for the standard library, else the module cache."""
    if module == "std":
        return Path(subprocess.check_output(["go", "env", "GOROOT"], text=True).strip())
    found = json.loads(subprocess.check_output(["go", "mod", "download", "-json", f"{module}@{version}"], text=True))
    return Path(found["Dir"])


def licence(module, version):
    for file in sorted(folder(module, version).iterdir()):
        if not re.match(r"(?i)(licen[cs]e|copying)(\.|-|$)", file.name) or not file.is_file():
            continue
        text = re.sub(r"\s+", " ", file.read_text(errors="replace"))
        for name, pattern in TEXTS:
            if re.search(pattern.replace(r"\s+", " "), text):
                return name
    sys.exit(f"licenses: {module} {version} has no licence text that is known here; read it and decide")


uses, found = {}, {}
for part in ("poll", "webhook", "contactsync"):
    bill = json.load(open(f"build/{part}.cdx.json"))
    for component in bill["components"]:
        module, version = component["name"], component["version"]
        if module == "std":
            version = "of the toolchain"
        if (module, version) not in found:
            found[module, version] = licence(module, version)
        component["licenses"] = [{"license": {"id": found[module, version]}}]
        uses.setdefault((module, version), []).append(part)
    json.dump(bill, open(f"build/{part}.cdx.json", "w"), indent=1)

print("# Licences of what is built in")
print()
print("Written by `make sbom` from the binaries of both functions and of the operator's command; `.ci/run` and a test see that it is current.")
print()
print("| module | version | licence | in |")
print("| --- | --- | --- | --- |")
for (module, version), parts in sorted(uses.items()):
    print(f"| {'Go standard library' if module == 'std' else module} | {version} | {found[module, version]} | {', '.join(parts)} |")
