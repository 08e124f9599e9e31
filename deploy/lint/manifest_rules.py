#!/usr/bin/env python3
"""What a schema does not know: the rules that our manifests and compose file keep.

    manifest_rules.py kubernetes RENDERED SECRETS   RENDERED as kustomize builds it, SECRETS as make-secrets.sh prints them
    manifest_rules.py compose COMPOSE_FILE ENV_EXAMPLE
    manifest_rules.py self-test FOLDER              breaks each rule in the rendered files of FOLDER and sees that it is noticed
"""

import copy
import glob
import re
import sys

import yaml


def documents(path):
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document]


def pod_templates(manifests):
    """Every pod that the manifests make: (name, labels, spec)."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec and "spec" in spec["template"]:
            yield manifest, spec["template"]["metadata"]["labels"], spec["template"]["spec"]


def matches(selector, labels):
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise ValueError(f"unknown operator {expression['operator']}")
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def kubernetes_problems(manifests, secrets):
    pods = list(pod_templates(manifests))
    secret_keys = {secret["metadata"]["name"]: set(secret["stringData"]) for secret in secrets if secret["kind"] == "Secret"}
    config_maps = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "ConfigMap"}
    policies = [manifest["spec"] for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    secret_users = {}

    for manifest, labels, pod in pods:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        ours = labels.get("app.kubernetes.io/part-of") == "sightline"
        security = pod.get("securityContext", {})
        if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
            yield f"{name}: does not run as a numbered user other than root"
        if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name}: has no seccomp profile"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name}: mounts a service account's token"
        if manifest["kind"] in ("Deployment", "StatefulSet") and not matches(manifest["spec"]["selector"], labels):
            yield f"{name}: its selector does not find its own pods"
        for container in pod["containers"]:
            inner = container.get("securityContext", {})
            if inner.get("allowPrivilegeEscalation") is not False or inner.get("capabilities", {}).get("drop") != ["ALL"]:
                yield f"{name}: may gain privileges"
            if ours and inner.get("readOnlyRootFilesystem") is not True:
                yield f"{name}: may write to its root file system"
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
                yield f"{name}: lacks resource requests or a memory limit"
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            if tag in ("", "latest"):
                yield f"{name}: image {container['image']} is not pinned to a version"
            if manifest["kind"] == "Deployment":
                probes = {kind: container.get(kind, {}).get("httpGet", {}).get("path") for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
                if probes != {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}:
                    yield f"{name}: probes are {probes}"
                sleep = int(container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", 0])[1])
                shutdown = 20
                if sleep < 5 or pod.get("terminationGracePeriodSeconds", 30) < sleep + shutdown + 10:
                    yield f"{name}: no time to stop in peace"
                if not pod.get("topologySpreadConstraints"):
                    yield f"{name}: replicas may all land on one node"
            for source in container.get("envFrom", []):
                if "configMapRef" in source and source["configMapRef"]["name"] not in config_maps:
                    yield f"{name}: ConfigMap {source['configMapRef']['name']} does not exist"
                if "secretRef" in source:
                    secret_users.setdefault(source["secretRef"]["name"], set()).add(name)
            for variable in container.get("env", []):
                if "value" in variable and re.search("PASSWORD|SECRET|KEYS", variable["name"]):
                    yield f"{name}: {variable['name']} stands in the manifest"
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    secret_users.setdefault(reference["name"], set()).add(name)
                    if reference["name"] in secret_keys and reference["key"] not in secret_keys[reference["name"]]:
                        yield f"{name}: Secret {reference['name']} has no {reference['key']}"
            if ours:
                denied = [p for p in policies if matches(p["podSelector"], labels) and "egress" not in p and "ingress" not in p]
                if not denied:
                    yield f"{name}: no NetworkPolicy denies it what is not listed"

    for secret, users in secret_users.items():
        if secret.startswith("sightline-") and secret not in secret_keys and secret not in ("sightline-postgres", "sightline-rabbitmq"):
            yield f"Secret {secret} is used but not made by make-secrets.sh"
    for secret in secret_keys:
        if len({user for user in secret_users.get(secret, set()) if "StatefulSet" not in user}) > 1:
            yield f"Secret {secret} is shared by {', '.join(sorted(secret_users[secret]))}"

    for manifest in manifests:
        if manifest["kind"] == "Service" and manifest["spec"].get("selector"):
            found = [pod for _, labels, pod in pods if matches({"matchLabels": manifest["spec"]["selector"]}, labels)]
            ports = {port["name"] for pod in found for container in pod["containers"] for port in container.get("ports", [])}
            for port in manifest["spec"]["ports"]:
                if port.get("targetPort") not in ports:
                    yield f"Service {manifest['metadata']['name']}: no pod has the port {port.get('targetPort')}"
    disrupted = [m["spec"]["selector"] for m in manifests if m["kind"] == "PodDisruptionBudget"]
    for manifest, labels, _ in pods:
        if manifest["kind"] == "Deployment" and not any(matches(selector, labels) for selector in disrupted):
            yield f"Deployment {manifest['metadata']['name']}: has no PodDisruptionBudget"


def compose_problems(text, example):
    compose = yaml.safe_load(text)
    services = compose["services"]
    asked = {}
    for name, modifier in re.findall(r"(?<!\$)\$\{([A-Z_]+)(:\?|:-)?", text):
        asked.setdefault(name, set()).add(modifier)
    offered = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    for name in sorted(asked):
        if name not in offered:
            yield f"{name} is used, but .env.example does not name it"
        if "" in asked[name]:
            yield f"{name} is used without a default and without a message"
        if re.search("PASSWORD|SECRET|KEYS", name) and asked[name] != {":?"}:
            yield f"{name} has a default"
    for name in sorted(offered - set(asked)):
        yield f"{name} is in .env.example, but nothing uses it"
    if re.search(r"^(POSTGRES_PASSWORD|SERVICE_ROLE_PASSWORD|RABBITMQ_PASSWORD|INTERNAL_SECRET|SEALING_KEYS)=.", example, re.MULTILINE):
        yield ".env.example holds a secret that people would keep"
    for name, service in services.items():
        for dependency in service.get("depends_on", {}):
            if dependency not in services:
                yield f"{name} waits for {dependency}, which does not exist"
        if name not in ("migrate", "cleanup") and "healthcheck" not in service:
            yield f"{name} has no health check"
        for value in service.get("environment", {}).values():
            host = re.match(r"(?:https?|postgres|amqp)://(?:[^@/]*@)?([a-z]+):\d+", re.sub(r"\$\{[^}]*\}", "x", str(value)))
            if host and host.group(1) not in services and host.group(1) != "localhost":
                yield f"{name} talks to {host.group(1)}, which does not exist"


def self_test(folder):
    secrets = documents(f"{folder}/secrets.yaml")
    rendered = [path for path in glob.glob(f"{folder}/*.yaml") if not path.endswith("secrets.yaml")][0]
    sound = documents(rendered)

    def first(manifests, kind, name=""):
        return next(m for m in manifests if m["kind"] == kind and name in m["metadata"]["name"])

    def pod(manifests):
        return first(manifests, "Deployment", "query")["spec"]["template"]["spec"]

    def container(manifests):
        return pod(manifests)["containers"][0]

    breakers = {
        "run as root": lambda m: pod(m)["securityContext"].pop("runAsNonRoot"),
        "no seccomp": lambda m: pod(m)["securityContext"].pop("seccompProfile"),
        "token": lambda m: pod(m).pop("automountServiceAccountToken"),
        "capabilities": lambda m: container(m)["securityContext"].pop("capabilities"),
        "writable root": lambda m: container(m)["securityContext"].pop("readOnlyRootFilesystem"),
        "no limit": lambda m: container(m)["resources"].pop("limits"),
        "latest": lambda m: container(m).update(image="sightline/query:latest"),
        "no readiness": lambda m: container(m).pop("readinessProbe"),
        "no preStop": lambda m: container(m).pop("lifecycle"),
        "short grace": lambda m: pod(m).update(terminationGracePeriodSeconds=30),
        "no spread": lambda m: pod(m).pop("topologySpreadConstraints"),
        "plain secret": lambda m: container(m)["env"].append({"name": "INTERNAL_SECRET", "value": "x"}),
        "shared secret": lambda m: container(m)["envFrom"].append({"secretRef": {"name": "sightline-ingest"}}),
        "unknown secret": lambda m: container(m)["envFrom"].append({"secretRef": {"name": "sightline-other"}}),
        "unknown config": lambda m: container(m)["envFrom"].append({"configMapRef": {"name": "other"}}),
        "wrong port": lambda m: first(m, "Service", "query")["spec"]["ports"][0].update(targetPort="other"),
        "selector": lambda m: first(m, "Deployment")["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "x"}),
        "no default deny": lambda m: m.remove(first(m, "NetworkPolicy", "default-deny")),
        "no budget": lambda m: m.remove(first(m, "PodDisruptionBudget")),
    }
    missed = []
    if list(kubernetes_problems(sound, secrets)):
        missed.append("sound manifests were refused")
    for name, spoil in breakers.items():
        broken = copy.deepcopy(sound)
        spoil(broken)
        if not list(kubernetes_problems(broken, secrets)):
            missed.append(f"not noticed: {name}")

    with open("deploy/compose.yaml", encoding="utf-8") as file:
        compose = file.read()
    with open("deploy/.env.example", encoding="utf-8") as file:
        example = file.read()
    compose_breakers = {
        "default password": (compose.replace("${INTERNAL_SECRET:?", "${INTERNAL_SECRET:-", 1), example),
        "undocumented variable": (compose.replace("${RUST_LOG:-info}", "${OTHER_LEVEL:-info}"), example),
        "unused variable": (compose, example + "\nOTHER=1\n"),
        "filled-in secret": (compose, example.replace("INTERNAL_SECRET=", "INTERNAL_SECRET=changeme")),
        "unknown host": (compose.replace("http://identity:8082", "http://identiti:8082"), example),
    }
    for name, (text, env) in compose_breakers.items():
        if not list(compose_problems(text, env)):
            missed.append(f"not noticed: {name}")
    return missed


def main(arguments):
    mode = arguments[0] if len(arguments) in (2, 3) else ""
    if mode == "kubernetes":
        problems = list(kubernetes_problems(documents(arguments[1]), documents(arguments[2])))
    elif mode == "compose":
        with open(arguments[1], encoding="utf-8") as compose_file, open(arguments[2], encoding="utf-8") as example_file:
            problems = list(compose_problems(compose_file.read(), example_file.read()))
    elif mode == "self-test":
        problems = self_test(arguments[1])
    else:
        sys.exit(__doc__)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main(sys.argv[1:])
