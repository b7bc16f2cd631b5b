# The index of tasks: `just --list`. Every recipe is a command that works without just as well.

# Lists the tasks
default:
    @just --list --unsorted

# Builds the binary
build:
    cargo build

# Runs every test; `just test -p hostwright-crds` those of one crate, `just test NAME` those whose name contains NAME
test *ARGS="--workspace":
    cargo test {{ARGS}}

# Runs the tests of behaviour on a real API server, see `just kube`; `just test-kube NAME` those whose name contains NAME
test-kube *ARGS:
    HOSTWRIGHT_TEST_SERVER=kube HOSTWRIGHT_REQUIRE=kube cargo test -p hostwright-tests --test behaviour {{ARGS}}

# Fuzzes the embedded API, so many seconds for each target; needs a C++ compiler. `just fuzz 600 cel` fuzzes one target
fuzz SECONDS="20" *TARGETS:
    controller/apiserver/fuzz/run {{SECONDS}} {{TARGETS}}

# Compares the embedded API with a real one, see docs/benchmarks.md; needs `just kube`
benchmark:
    cargo bench -p hostwright-tests --bench kubernetes_api

# Formats everything
format:
    cargo fmt --all

# Reports what clippy objects to; CI allows nothing
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Writes the files made from the types: crds/manifests and the chart's copy, docs/reasons.md, docs/annotations.md
generate:
    cargo run -q -p hostwright-crds --example generate

# Starts an embedded Kubernetes API, a game panel and the controller, with examples to look at
demo *ARGS:
    cargo run -q -- demo --kubeconfig target/demo.kubeconfig {{ARGS}}

# Runs kubectl against a running `just demo`: `just kubectl get hsvc -A`
kubectl *ARGS:
    kubectl --kubeconfig target/demo.kubeconfig {{ARGS}}

# Serves the demo panel alone
panel PORT="8080":
    cargo run -q -p demo-panel -- --listen 127.0.0.1:{{PORT}} --application-key app --readonly-key readonly --client-key client

# Serves the embedded Kubernetes API alone
apiserver PORT="8001" TOKEN="local":
    cargo run -q -p hostwright-apiserver -- --listen 127.0.0.1:{{PORT}} --token {{TOKEN}}

# Builds a real Kubernetes control plane for tests, target/kube/kube; needs Go
kube:
    tests/kube/build

# Builds Helm for tests, target/kube/helm, unless helm is on PATH; needs Go
helm:
    .ci/run helm

# Builds the program that says how Kubernetes tools read a status, target/kube/kstatus; needs Go
kstatus:
    tests/kstatus/build

# Checks licences, duplicates and sources of dependencies; cargo install --locked cargo-deny
deny:
    cargo deny --locked check bans licenses sources

# Checks dependencies for known vulnerabilities; fetches the advisory database
advisories:
    cargo deny --locked check advisories

# Opens the documentation of the crates
docs:
    cargo doc --workspace --no-deps --open

# Everything CI checks
ci:
    .ci/run
