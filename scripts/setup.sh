# Sourced by the other scripts: makes .venv from the hashed lock and puts it first in PATH.
# $lock names the lock to install (an argument to `.` is lost in some shells).
# Needs Python 3.11 or later with venv and pip, nothing else. HOLDFAST_UV names a uv to install with,
# beside a Python whose pip does it where uv cannot: it does not read what pip is told of indexes.
set -eu
cd "$(dirname "$0")/.."
venv="${HOLDFAST_VENV:-.venv}"
for python in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
  if [ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi
  python=""
done
if [ -z "$python" ]; then
  echo "Holdfast needs Python 3.11 or later. / 需要 Python 3.11 或更高版本。" >&2
  exit 1
fi
# The web page is built into the package: what it is made of counts as well.
page="$(find web -name node_modules -prune -o -type f -print | LC_ALL=C sort)"
add() {
  if [ -z "${HOLDFAST_UV:-}" ]; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
  elif ! "$HOLDFAST_UV" pip install --quiet --python "$venv/bin/python" "$@"; then
    "$(dirname "$HOLDFAST_UV")/python" -m pip --python "$venv/bin/python" install --quiet \
      --disable-pip-version-check "$@"
  fi
}
wanted="$(cat "$lock" pyproject.toml hatch_build.py $page | cksum)"
if [ ! -x "$venv/bin/python" ] || [ "$(cat "$venv/.holdfast-lock" 2>/dev/null)" != "$wanted" ]; then
  echo "Setting up $venv … / 正在准备 $venv …" >&2
  [ -x "$venv/bin/python" ] || "$python" -m venv ${HOLDFAST_UV:+--without-pip} "$venv"
  add --require-hashes -r "$lock"
  PATH="$(cd "$venv/bin" && pwd):$PATH"
  if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(+(a < 20 || (a == 20 && b < 19)))' 2>/dev/null ||
    ! command -v npm >/dev/null; then
    add --require-hashes -r requirements/node.txt ||
      echo "Without Node.js the web page is not built. / 没有 Node.js，不构建网页。" >&2
  fi
  add --no-deps --no-build-isolation -e .
  printf '%s' "$wanted" > "$venv/.holdfast-lock"
fi
case ":$PATH:" in *":$(cd "$venv/bin" && pwd):"*) ;; *) PATH="$(cd "$venv/bin" && pwd):$PATH" ;; esac
export PATH
