"""The steps of scripts/rehearse: a stack in moto, the functions against it. Arguments: moto's address, a folder."""

import http.server
import io
import json
import os
import queue
import subprocess
import sys
import threading
import zipfile

import boto3

endpoint, out = sys.argv[1:3]
region = "eu-central-1"
stack = "contactsync-rehearsal"
os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION=region)
os.environ["NO_PROXY"] = "127.0.0.1"


def client(service):
    return boto3.client(service, endpoint_url=endpoint, region_name=region)


def say(text):
    print("== " + text, flush=True)


def check(right, text):
    if not right:
        sys.exit("rehearse: " + text)
    print("ok  " + text, flush=True)


class Runtime:
    """A Lambda Runtime API for one function: it hands out events and waits for their answers."""

    def __init__(self, name, variables):
        self.events, self.answers, runtime = queue.Queue(), queue.Queue(), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = runtime.events.get()
                self.send_response(200)
                for header, value in (
                    ("Lambda-Runtime-Aws-Request-Id", "rehearsal"),
                    ("Lambda-Runtime-Deadline-Ms", str(int((__import__("time").time() + 120) * 1000))),
                    ("Lambda-Runtime-Invoked-Function-Arn", f"arn:aws:lambda:{region}:123456789012:function:{name}"),
                    ("Content-Length", str(len(body))),
                ):
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b""
                    while size := int(self.rfile.readline(), 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                runtime.answers.put((self.path.endswith("/response"), body))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        environment = dict(variables, AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{self.server.server_port}", AWS_REGION=region,
                           AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", PATH=os.environ["PATH"])
        self.log = open(f"{out}/{name}.log", "wb")
        self.process = subprocess.Popen([f"{out}/{name}/bootstrap"], env=environment, stdout=self.log, stderr=self.log)

    def invoke(self, event):
        self.events.put(json.dumps(event).encode())
        try:
            worked, body = self.answers.get(timeout=150)
        except queue.Empty:
            sys.exit(f"rehearse: no answer; see {self.log.name}")
        if not worked:
            sys.exit("rehearse: the function ended with an error: " + body.decode()[:500])
        return json.loads(body)

    def stop(self):
        self.process.kill()
        self.process.wait()


def resources():
    """The resources by name, as the stack's outputs tell them."""
    outputs = {o["OutputKey"]: o["OutputValue"] for o in client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]}
    names = {"TransferTable": "TableName", "Secret": "SecretArn", "FailureQueue": "FailureQueueUrl", "PollFunction": "PollFunctionName", "WebhookFunction": "WebhookFunctionName"}
    return {name: outputs.get(output) for name, output in names.items()}


template = json.load(open("build/expanded.json"))
# moto makes no alias, and the permission to call one needs it.
left_out = [n for n, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::Permission"]
permissions = {n: template["Resources"].pop(n) for n in left_out}
settings = json.load(open(f"{out}/settings.json"))["Parameters"]
parameters = {"BcCompany": settings["BC_COMPANY"], "IpaasSystemId": settings["IPAAS_SYSTEM_ID"], "BcBaseUrl": settings["BC_BASE_URL"],
              "BcTokenUrl": settings["BC_TOKEN_URL"], "IpaasBaseUrl": settings["IPAAS_BASE_URL"], "AwsEndpointUrl": endpoint,
              "PollRate": "10000/60s", "WebhookRate": "10000/60s"}

say("make the secret and create the stack; this moto makes no secrets in stacks, so that its ARN is a parameter")
secret = client("secretsmanager").create_secret(Name="rehearsal", SecretString=open(f"{out}/secret.json").read())["ARN"]
parameters["SecretArn"] = secret
client("s3").create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": region})
for function in ("poll", "webhook"):
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.write(f"{out}/{function}/bootstrap", "bootstrap")
    client("s3").put_object(Bucket="bucket", Key=f"functions/{function}", Body=package.getvalue())
for service, call in (("dynamodb", "list_tables"), ("secretsmanager", "list_secrets"), ("sqs", "list_queues"), ("lambda", "list_functions"),
                      ("iam", "list_roles"), ("cloudwatch", "list_dashboards"), ("logs", "describe_log_groups"), ("cloudwatch", "describe_alarms")):
    getattr(client(service), call)()  # moto's CloudFormation knows a service once it was called


def deploy(action, **changed):
    chosen = [{"ParameterKey": k, "ParameterValue": v} for k, v in {**parameters, **changed}.items()]
    getattr(client("cloudformation"), action)(StackName=stack, TemplateBody=json.dumps(template), Parameters=chosen, Capabilities=["CAPABILITY_IAM"])
    return client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


status = deploy("create_stack")
check(status == "CREATE_COMPLETE", f"the stack is there: {status}")
made = resources()
for name in ("TransferTable", "Secret", "FailureQueue", "PollFunction", "WebhookFunction"):
    check(made.get(name), f"{name} was made")
roles = [r["RoleName"] for r in client("iam").list_roles()["Roles"]]
check(all(any(f"-{n}-" in r for r in roles) for n in ("PollRole", "WebhookRole")), "both roles were made")
table = client("dynamodb").describe_table(TableName=made["TransferTable"])["Table"]
check(table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE" and len(table["GlobalSecondaryIndexes"]) == 1, "the table has its stream and its index")

def variables(function):
    declared = client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    check(declared["TABLE_NAME"] == made["TransferTable"] and declared["SECRET_ID"] == made["Secret"], f"{function} names the table and the secret of the stack")
    return {k: v if isinstance(v, str) else str(v) for k, v in declared.items()}


say("run the functions with the variables that the stack gave them")
poll = Runtime("poll", variables(made["PollFunction"]))
run = poll.invoke({"mode": "poll"})
check(run["complete"] and run["created"] > 200, f"one poll: read {run['read']}, created {run['created']}, skipped {run['skipped']}, failed {run['failed']}")
again = poll.invoke({"mode": "poll"})
check(again["complete"] and again["created"] == 0, f"the next poll creates none: unchanged {again['unchanged']}")
poll.stop()
webhook = Runtime("webhook", variables(made["WebhookFunction"]))


def answer(event):
    reply = webhook.invoke(json.load(open(f"events/{event}.json")))
    return reply["statusCode"], json.loads(reply["body"])


code, body = answer("manual-sync")
check(code == 200 and body["transfers"][0]["status"] == "succeeded", "one manual sync")
code, body = answer("transfer-show")
check(code == 200 and body["transfer"]["status"] == "succeeded" and body["attempts"], "its status is read back, with its attempts")
webhook.stop()

say("update the stack, then remove it")
status = deploy("update_stack", LogRetentionDays="7")  # moto replaces a table that an update touches; AWS does not
check(status == "UPDATE_COMPLETE", f"the stack is updated: {status}")
check(resources()["TransferTable"] == made["TransferTable"], "it is the same table")
count = client("dynamodb").scan(TableName=made["TransferTable"], Select="COUNT")["Count"]
check(count > 0, "the table still holds what was transferred")
client("cloudformation").delete_stack(StackName=stack)
listed = [s["StackName"] for s in client("cloudformation").describe_stacks()["Stacks"] if s["StackStatus"] != "DELETE_COMPLETE"]
check(stack not in listed, "the stack is gone")
check(made["TransferTable"] in client("dynamodb").list_tables()["TableNames"], "the table is retained")

say("not rehearsed, for moto's CloudFormation does not make it; tests over the expanded template and make local cover it")
unknown = {line.split(" for ")[1].strip() for line in open(f"{out}/moto.log") if line.startswith("No Moto CloudFormation support")}
unknown.add("AWS::SecretsManager::Secret")
for kind in sorted(unknown | {r["Type"] for r in permissions.values()}):
    print("    " + kind)
print("    permissions (moto grants everything), deliveries of stream and schedule, the retry of invocations")
