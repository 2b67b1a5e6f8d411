# The steps of .ci/run and .ci/full. Each step prints what it does and counts as passed or failed; the
# counts of the test runner are added to them.

passed=0
failed=0
failures=()
details=$(mktemp) # what the failed steps printed
running='' # the process group of the step that runs
beside=''  # the process group of the step that runs beside the others, if one does
cluster='' # `starting` or `up`, while there may be one

step() { # name, command...
  local name=$1 start=$SECONDS log status=0
  shift
  log=$(mktemp)
  set -m # a process group of its own, so that an interruption reaches all of it
  "$@" >"$log" 2>&1 &
  running=$!
  set +m
  wait "$running" || status=$?
  running=''
  settled "$name" "$start" "$log" "$status"
}

# Starts a step that computes while the steps after it mostly wait; `joined` ends it.
begin() { # name, command...
  beside_name=$1 beside_start=$SECONDS beside_log=$(mktemp)
  shift
  set -m
  nice -n 19 "$@" >"$beside_log" 2>&1 &
  beside=$!
  set +m
}

joined() {
  local status=0
  wait "$beside" || status=$?
  beside=''
  settled "$beside_name" "$beside_start" "$beside_log" "$status"
}

# Says and counts what came of a step.
settled() { # name, start, log, status
  local name=$1 start=$2 log=$3 status=$4
  if ((status == 0)); then
    passed=$((passed + 1))
    printf 'ok      %-32s %4d s\n' "$name" $((SECONDS - start))
  else
    failed=$((failed + 1))
    failures+=("$name")
    printf 'FAILED  %-32s %4d s\n' "$name" $((SECONDS - start))
    { failed_tests "$log" | grep . || tail -n 100 "$log"; } | sed 's/^/        /' | tee -a "$details"
  fi
  count_tests "$log"
  grep -E '^(report:|[|])' "$log" | sed 's/^report: //'
  rm -f "$log"
  return "$status"
}

# Nothing of a run outlives it, however it ends.
interrupted() {
  trap '' INT TERM HUP
  local group
  # Not every child is waited for: what writes the report goes on as long as this does.
  for group in $running $beside; do
    kill -TERM -- "-$group"
    wait "$group"
  done
  echo "interrupted after $passed passed, $failed failed"
  exit "$1"
}
trap 'rm -f "$details"; [ -z "$cluster" ] || tests/cluster/down' EXIT
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

# What the test runner says of the tests that failed, from its whole output; nothing where none did.
failed_tests() {
  awk '/^---- .* ----$/ {on = 1; lines = 0} /^failures:$|^test result: / {on = 0} on && lines++ < 40' "$1"
}

# Adds the closing lines of cargo's test runner.
count_tests() {
  local line
  while read -r line; do
    passed=$((passed + $(sed -E 's/.* ([0-9]+) passed.*/\1/' <<<"$line")))
    failed=$((failed + $(sed -E 's/.* ([0-9]+) failed.*/\1/' <<<"$line")))
  done < <(grep -E '^test result: .* [0-9]+ passed; [0-9]+ failed' "$1")
}

# What failed is said once more at the end, where it is looked for.
finish() {
  if ((${#failures[@]})); then
    printf 'failed: %s\n' "${failures[*]}"
    head -n 200 "$details"
  fi
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

need_debian() {
  local missing=() package
  for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    echo "FAILED  missing packages: ${missing[*]} (install them, or run as root on Debian)"
    echo "0 passed, 1 failed"
    exit 1
  fi
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } >/dev/null 2>&1 || {
    echo "FAILED  these packages cannot be installed: ${missing[*]}"
    echo "0 passed, 1 failed"
    exit 1
  }
}

need_rust() {
  if ! command -v cargo >/dev/null; then
    echo "FAILED  cargo is not installed (https://rustup.rs)"
    echo "0 passed, 1 failed"
    exit 1
  fi
}

DENY_VERSION=0.20.2

dependency_rules() {
  if [ "$(cargo deny --version 2>/dev/null)" != "cargo-deny $DENY_VERSION" ]; then
    CARGO_TARGET_DIR="$CARGO_TARGET_DIR-tools" \
      cargo install cargo-deny --locked --version "$DENY_VERSION" --no-default-features --quiet || return 1
  fi
  cargo deny check bans licenses sources
}

# What is not finished does not land: it is done, or an issue.
nothing_unfinished() {
  ! git grep -nE 'TODO:|FIXME|unimplemented!\(|todo!\(' -- . ':!.ci/lib.sh' ':!*.lock' \
    ':!crates/sandbox/src/api/openapi/schemas.txt'
}

files_stay_small() {
  local long
  long=$(git ls-files '*.rs' | xargs wc -l | awk '$2 != "total" && $1 > 500 {print $2 " has " $1 " lines"}')
  [ -z "$long" ] || { echo "$long"; return 1; }
}

# With the cluster's programs built before, kubectl and Helm are there; without them their tests fail here.
tests() {
  TODO_AGENT_CI=1 cargo test --workspace --no-fail-fast --quiet
}

binary_size() {
  local bytes limit=$((25 * 1000 * 1000))
  bytes=$(stat -c %s "$CARGO_TARGET_DIR/release/todo-agent")
  echo "report: binary: $bytes bytes"
  ((bytes <= limit))
}

planner_report() {
  cargo test -p todo-agent-planner --quiet --test evaluation -- --nocapture | sed -n 's/^/| /p'
}

whole_run() {
  bash .ci/run | sed 's/^/report:   /'
}

# Changes what safety rests on, one spot at a time; a change that no test notices is a survivor.
# MUTANTS_SHARD=0/4 tries a quarter of them, where there is less time.
mutations() {
  if ! cargo mutants --version >/dev/null 2>&1; then
    CARGO_TARGET_DIR="$CARGO_TARGET_DIR-tools" cargo install cargo-mutants --locked --quiet || return 1
  fi
  local out
  out=$(mktemp -d)
  cargo mutants --workspace --shard "${MUTANTS_SHARD:-0/1}" --baseline skip --timeout 120 --output "$out" \
    --file crates/cluster/src/policy.rs --file crates/cluster/src/gate.rs --file crates/cluster/src/risk.rs \
    --file crates/core/src/redact.rs --file crates/planner/src/veto.rs >"$out/log" 2>&1
  local caught missed
  caught=$(wc -l <"$out/mutants.out/caught.txt")
  missed=$(wc -l <"$out/mutants.out/missed.txt")
  echo "report: mutations (shard ${MUTANTS_SHARD:-0/1}): $caught noticed, $missed not"
  sed 's/^/report:   survivor: /' "$out/mutants.out/missed.txt"
  rm -rf "$out"
  ((caught > 0 && caught >= 9 * missed))
}

scripts() {
  git ls-files tests/cluster .ci | xargs grep -lE '^#!.*bash|^#!/bin/sh' | cat - <(git ls-files '*.sh') | sort -u |
    xargs shellcheck -s bash -x -P SCRIPTDIR -P tests/cluster
}

go_parts() (
  export GOTOOLCHAIN=local GOFLAGS=-mod=readonly
  command -v go || { echo "Go 1.26 is not installed (https://go.dev/dl)"; return 1; }
  cd tests/cluster/go/workload && [ -z "$(gofmt -l .. | tee /dev/stderr)" ] && go vet ./... && go test ./... || return 1
  for module in ../traefik/no-*; do (cd "$module" && go vet ./...) || return 1; done
  # The sandbox's tables of types and of what their fields mean are what their maker prints.
  cd ../kubernetes && go mod download k8s.io/kubernetes || return 1
  kubernetes=$(go list -m -f '{{.Dir}}' k8s.io/kubernetes) || return 1
  cd ../../../../crates/sandbox/types && [ -z "$(gofmt -l . | tee /dev/stderr)" ] &&
    go run . "$kubernetes" | diff ../src/schema/types.txt - &&
    go run . "$kubernetes" schemas | diff -q ../src/api/openapi/schemas.txt -
)

# Builds what the cache lacks; that makes the start after it a warm one.
cluster_parts() { tests/cluster/build && tests/cluster/images; }

# From nothing: one that runs already is taken down first.
cluster_up() {
  cluster=starting
  step "cluster up" cluster_start && cluster=up
}

cluster_start() {
  tests/cluster/down && tests/cluster/leftovers && tests/cluster/up 2>&1 |
    sed -E 's/^(node|add-ons) ready/report:   &/'
}

# Runs a command that is told of the cluster.
on_cluster() {
  if [ "$cluster" != up ]; then
    echo "there is no cluster: see the step 'cluster up'"
    return 1
  fi
  tests/cluster/run -- "$@"
}

# Runs a command that finds the cluster's kubeconfig in a variable of its own: `on_cluster_as VARIABLE COMMAND…`.
on_cluster_as() {
  # shellcheck disable=SC2016 # expanded where the cluster is named
  on_cluster bash -c 'export "$1=$TODO_AGENT_TEST_KUBECONFIG" && shift && exec "$@"' bash "$@"
}

contract_live() {
  on_cluster_as TODO_AGENT_CONTRACT_KUBECONFIG cargo test --quiet --test contract |
    sed -E 's/^ *(contract|normaliser|known differences|unexplained differences|live cases asked again|mutations): /report: &/'
}

# The recordings of kubectl's output are still what it prints on a real cluster.
kubectl_live() {
  TODO_AGENT_CI=1 on_cluster_as TODO_AGENT_KUBECTL_KUBECONFIG cargo test --quiet --test kubectl
}

# So are those of Helm's.
helm_live() {
  TODO_AGENT_CI=1 on_cluster_as TODO_AGENT_HELM_KUBECONFIG cargo test --quiet --test helm
}

cluster_down() {
  step "cluster down" tests/cluster/down && cluster=''
  step "nothing is left behind" tests/cluster/leftovers
}
