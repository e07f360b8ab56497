"""Holds deploy/kubernetes to what a cluster takes.

    manifests_judge.py KUBECTL

Each overlay, and one with shards, is made by `kubectl kustomize`. Every manifest is then valid by the OpenAPI description of
current Kubernetes, unknown fields included (kubernetes-validate), every pod passes the profile *restricted* of the Pod Security
Standards (rules of their documentation, https://kubernetes.io/docs/concepts/security/pod-security-standards/), and what the
manifests name is there.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "kubernetes"
KUBERNETES = "1.37"
KUBECTL = None
# Kinds of volumes that the profile allows.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def made(folder):
    ran = subprocess.run([KUBECTL, "kustomize", str(folder)], capture_output=True, text=True)
    if ran.returncode or ran.stderr:
        raise AssertionError(f"{folder}: {ran.stderr}")
    return list(yaml.safe_load_all(ran.stdout))


def sharded(folder):
    """The plain overlay with the component, as its comment says it."""
    text = (DEPLOY / "overlays" / "plain" / "kustomization.yaml").read_text(encoding="utf-8")
    line = "# `components: [../../shards]` makes a sync of several pods.\n"
    if line not in text:
        raise AssertionError("the comment says it otherwise")
    folder = pathlib.Path(folder)
    for path in DEPLOY.rglob("*.yaml"):
        copy = folder / path.relative_to(DEPLOY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    plain = folder / "overlays" / "plain" / "kustomization.yaml"
    plain.write_text(text.replace(line, "components: [../../shards]\n"), encoding="utf-8")
    return made(plain.parent)


def faults(spec):
    """What the profile *restricted* has against a pod's spec."""
    pod = spec.get("securityContext", {})
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "it is on the host's network or among its processes"
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= VOLUMES:
            yield f"the volume {volume['name']} is of a kind that is not allowed"
    if pod.get("sysctls"):
        yield "it sets sysctls"
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        own = container.get("securityContext", {})
        name = container["name"]
        either = lambda key: own.get(key, pod.get(key))
        if own.get("privileged"):
            yield f"{name} is privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{name} may gain rights"
        if either("runAsNonRoot") is not True or either("runAsUser") == 0:
            yield f"{name} may be root"
        if (either("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name} has no seccomp profile"
        capabilities = own.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
            yield f"{name} has capabilities"
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield f"{name} has a port of the host"


def pods(documents):
    """The CronJobs, by name, with the spec of their Job and of their pod."""
    jobs = {document["metadata"]["name"]: document["spec"]["jobTemplate"]["spec"] for document in documents if document["kind"] == "CronJob"}
    return {name: (job, job["template"]["spec"]) for name, job in jobs.items()}


class Manifests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = {folder.name: made(folder) for folder in sorted((DEPLOY / "overlays").iterdir())}
        with tempfile.TemporaryDirectory() as folder:
            cls.all["with shards"] = sharded(folder)

    def test_every_manifest_is_valid_by_the_description_of_the_api_with_no_field_that_it_does_not_know(self):
        for _, documents in self.all.items():
            for document in documents:
                kubernetes_validate.validate(document, KUBERNETES, strict=True)
        self.assertEqual(set(self.all), {"eks", "plain", "with shards"})

    def test_a_field_that_the_api_does_not_know_is_found_wherever_it_is(self):
        document = next(document for document in self.all["plain"] if document["kind"] == "CronJob")
        pod = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        pod["containers"][0]["enviroment"] = []
        with self.assertRaises(Exception):
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
        del pod["containers"][0]["enviroment"]

    def test_every_pod_passes_the_profile_restricted(self):
        for _, documents in self.all.items():
            specs = [spec for _, spec in pods(documents).values()]
            self.assertEqual(len(specs), 2)
            for spec in specs:
                self.assertEqual(list(faults(spec)), [])
                self.assertTrue(spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"])
        labels = next(document for document in self.all["plain"] if document["kind"] == "Namespace")["metadata"]["labels"]
        self.assertEqual(labels["pod-security.kubernetes.io/enforce"], "restricted")

    def test_a_pod_that_does_not_pass_is_found(self):
        bare = {"containers": [{"name": "x"}], "hostNetwork": True, "volumes": [{"name": "v", "hostPath": {}}]}
        self.assertEqual(len(list(faults(bare))), 6)

    def test_what_a_pod_names_is_in_the_overlay_and_a_secret_is_named_and_not_written_down(self):
        for _, documents in self.all.items():
            names = {(document["kind"], document["metadata"]["name"]) for document in documents}
            self.assertNotIn("Secret", {kind for kind, _ in names})
            for _, spec in pods(documents).values():
                container = spec["containers"][0]
                self.assertIn(("ServiceAccount", spec["serviceAccountName"]), names)
                self.assertIn(("ConfigMap", spec["volumes"][0]["configMap"]["name"]), names)
                self.assertEqual(container["envFrom"], [{"secretRef": {"name": "regcred"}}])
                self.assertRegex(container["image"], r"^ghcr\.io/[^/]+/regcred:\d+\.\d+\.\d+$")
            binding = next(document for document in documents if document["kind"] == "ClusterRoleBinding")
            self.assertIn(("ClusterRole", binding["roleRef"]["name"]), names)
            self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": "regcred", "namespace": "regcred"}])

    def test_everything_that_has_a_namespace_is_in_that_of_regcred(self):
        for _, documents in self.all.items():
            for document in documents:
                whole = document["kind"] in ("Namespace", "ClusterRole", "ClusterRoleBinding")
                self.assertEqual(document["metadata"].get("namespace"), None if whole else "regcred", document)

    def test_a_network_policy_selects_the_pods_and_lets_nothing_in(self):
        for name, documents in self.all.items():
            policy = next(document for document in documents if document["kind"] == "NetworkPolicy")["spec"]
            self.assertEqual((policy["policyTypes"], policy.get("ingress")), (["Ingress", "Egress"], None))
            ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
            self.assertEqual(ports, {53, 443, 6443} | ({80} if name == "eks" else set()))
            for job, _ in pods(documents).values():
                labels = job["template"]["metadata"]["labels"]
                self.assertLessEqual(policy["podSelector"]["matchLabels"].items(), labels.items())

    def test_a_job_has_an_end_and_tries_again_only_what_another_try_can_change(self):
        for _, documents in self.all.items():
            for job, spec in pods(documents).values():
                self.assertLessEqual(job["activeDeadlineSeconds"], 3600)
                self.assertEqual(spec["restartPolicy"], "Never", "a policy of failures wants it")
                codes = [rule["onExitCodes"]["values"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
                self.assertEqual(codes, [[2, 3, 4]])

    def test_shards_are_as_many_as_the_pods_of_the_indexed_job(self):
        jobs = pods(self.all["with shards"])
        job, spec = jobs["regcred-sync"]
        self.assertEqual((job["completionMode"], job["completions"], job["parallelism"]), ("Indexed", 4, 4))
        self.assertIn({"name": "REGCRED_SHARD", "value": "auto/4"}, spec["containers"][0]["env"])
        self.assertNotIn("completionMode", jobs["regcred-verify"][0])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    KUBECTL = sys.argv.pop()
    sys.exit(not unittest.main(exit=False).result.wasSuccessful())
