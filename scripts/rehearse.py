"""The steps of scripts/rehearse: docs/operations.md, block by block. Arguments: moto's address, a folder."""

import http.server
import json
import os
import platform
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

import boto3

endpoint, out = sys.argv[1:3]
tree = out + "/tree"
region = "eu-central-1"  # that of samconfig.toml
stack = "contactsync-dev"
os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION=region, AWS_ENDPOINT_URL=endpoint)
for proxy in ("NO_PROXY", "no_proxy"):
    os.environ[proxy] = "127.0.0.1,localhost"
with open(out + "/aws.config", "w") as file:
    file.write("[default]\ns3 =\n  addressing_style = path\n")  # a stand-in has no name for each bucket
os.environ["AWS_CONFIG_FILE"] = out + "/aws.config"


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
                    ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 120) * 1000))),
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
        binary = f"{tree}/.aws-sam/build/{name}/bootstrap"  # what sam build made, and sam deploy sent
        self.process = subprocess.Popen([binary], env=environment, stdout=self.log, stderr=self.log)

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


# ------------------------------------------------------------------------------------------------------- the operator
class Terminal:
    """A shell in which the page's commands are typed, one after another."""

    def __init__(self):
        environment = dict(os.environ, AFTER_BUILD="scripts/rehearsal-template", SAM_CLI_TELEMETRY="0", AWS_PAGER="", SAM_CLI_POLL_DELAY="1",
                           PATH=f"{tree}/.tools/bin:{os.environ['PATH']}")
        self.shell = subprocess.Popen(["bash"], cwd=tree, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # For SQS the AWS CLI has an address of its own unless it is told one in its arguments.
        self.shell.stdin.write('aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }\n')

    def type(self, line):
        print("$ " + line, flush=True)
        self.shell.stdin.write(f"{line}\necho \"\nstatus $?\"\n")
        self.shell.stdin.flush()
        said = []
        for text in self.shell.stdout:
            if text.startswith("status "):
                status = int(text.split()[1])
                # 1 of the operator's command: some transfers failed, as some contacts of the demo company must.
                if status > (1 if line.startswith("build/contactsync") else 0):
                    sys.exit("".join(said[-40:]) + f"rehearse: status {status}: {line}")
                shown = [s for s in said if s.strip()]
                for s in shown[:4] + (["…\n"] if len(shown) > 8 else []) + shown[4:][-4:]:
                    print("    " + s[:150].rstrip(), flush=True)
                return "".join(said).strip()
            said.append(text)
        sys.exit(f"rehearse: the shell ended at: {line}")


def page():
    """The blocks of docs/operations.md: heading, kind, text, and why a block is not rehearsed."""
    heading, reason, blocks = "", None, []
    lines = iter(open("docs/operations.md").read().splitlines())
    for line in lines:
        if line.startswith("## "):
            heading = re.sub(r"^[0-9]+\. ", "", line[3:])
        elif found := re.match(r"<!-- not rehearsed: (.+) -->", line):
            reason = found[1]
        elif line.startswith("```"):
            text = []
            for inner in lines:
                if inner == "```":
                    break
                text.append(inner)
            blocks.append((heading, line[3:], text, reason))
            reason = None
    return blocks


def outputs():
    described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}


def variables(function):
    declared = client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    return {k: v if isinstance(v, str) else str(v) for k, v in declared.items()}


def rows(table):
    return client("dynamodb").scan(TableName=table, Select="COUNT")["Count"]


# ------------------------------------------------------------------------------------------------------ around the page
def set_stage():
    """An account with a bucket for packages and an empty secret, and samconfig.toml filled in."""
    settings = json.load(open(f"{out}/settings.json"))["Parameters"]
    for service, call in (("dynamodb", "list_tables"), ("secretsmanager", "list_secrets"), ("sqs", "list_queues"), ("lambda", "list_functions"), ("s3", "list_buckets"),
                          ("iam", "list_roles"), ("cloudwatch", "list_dashboards"), ("logs", "describe_log_groups"), ("cloudwatch", "describe_alarms"), ("sns", "list_topics")):
        getattr(client(service), call)()  # moto's CloudFormation knows a service once it was called
    secret = client("secretsmanager").create_secret(Name="contactsync-rehearsal")["ARN"]
    chosen = {"BcCompany": settings["BC_COMPANY"], "IpaasSystemId": settings["IPAAS_SYSTEM_ID"], "BcEnvironment": "Production", "BcBaseUrl": settings["BC_BASE_URL"],
              "BcTokenUrl": settings["BC_TOKEN_URL"], "IpaasBaseUrl": settings["IPAAS_BASE_URL"], "PollRate": "10000/60s", "WebhookRate": "10000/60s", "SecretArn": secret,
              "AwsEndpointUrl": endpoint, "Architecture": {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")}
    text = open(f"{tree}/samconfig.toml").read()
    dev, rest = text.split("[staging.build", 1)
    for name in ("BcCompany", "IpaasSystemId", "BcEnvironment", "Architecture"):
        dev = re.sub(rf'"{name}=.*?"', f'"{name}=\'{chosen.pop(name)}\'"', dev)
    added = "".join(f'  "{name}={value}",\n' for name, value in chosen.items())
    dev = re.sub(r"(\[dev\.deploy.*?parameter_overrides = \[\n)", lambda m: m[1] + added, dev, flags=re.S)
    open(f"{tree}/samconfig.toml", "w").write(dev + "[staging.build" + rest)


def put_secret():
    os.makedirs(f"{tree}/build", exist_ok=True)
    shutil.copy(f"{out}/secret.json", f"{tree}/build/secret.json")


def deployed():
    made = outputs()
    for name in ("TableName", "SecretArn", "FailureQueueUrl", "PollFunctionName", "WebhookFunctionName"):
        check(made.get(name), f"the stack has {name}")
    roles = [r["RoleName"] for r in client("iam").list_roles()["Roles"]]
    check(all(any(f"-{n}-" in r for r in roles) for n in ("PollRole", "WebhookRole", "ScheduleRole")), "every role was made")
    table = client("dynamodb").describe_table(TableName=made["TableName"])["Table"]
    check(table["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE" and len(table["GlobalSecondaryIndexes"]) == 1, "the table has its stream and its index")
    for function in ("PollFunctionName", "WebhookFunctionName"):
        declared = variables(made[function])
        check(declared["TABLE_NAME"] == made["TableName"] and declared["SECRET_ID"] == made["SecretArn"], f"{function} names the table and the secret of the stack")
    check("SECRET_ID=" in open(f"{tree}/build/dev.env").read(), "build/dev.env is there for the operator's command")


def recorded(action):
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(f"{endpoint}/moto-api/recorder/{action}", method="GET" if action == "download-recording" else "POST")) as answer:
        return answer.read().decode()


def run_functions():
    say("meanwhile the functions run, with the variables that the stack gave them")
    made = outputs()
    poll = Runtime("PollFunction", variables(made["PollFunctionName"]))
    run = poll.invoke({"mode": "poll"})
    check(run["complete"] and run["created"] > 200, f"one poll: read {run['read']}, created {run['created']}, skipped {run['skipped']}, failed {run['failed']}")
    again = poll.invoke({"mode": "poll"})
    check(again["complete"] and again["created"] == 0, f"the next poll creates none: unchanged {again['unchanged']}")
    recorded("reset-recording")
    recorded("start-recording")
    idle = poll.invoke({"mode": "poll"})
    recorded("stop-recording")
    targets = re.findall(r"DynamoDB_20120810\.(\w+)", recorded("download-recording"))
    writes = sum(t in ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems") for t in targets)
    check(idle["complete"] and targets and writes <= 6 and len(targets) - writes <= 20, f"a poll without work writes {writes} and reads {len(targets) - writes} times, as its price says")
    poll.stop()
    webhook = Runtime("WebhookFunction", variables(made["WebhookFunctionName"]))

    def answer(event):
        reply = webhook.invoke(json.load(open(f"events/{event}.json")))
        return reply["statusCode"], json.loads(reply["body"])

    code, body = answer("manual-sync")
    check(code == 200 and body["transfers"][0]["status"] == "succeeded", "one manual sync")
    code, body = answer("transfer-show")
    check(code == 200 and body["transfer"]["status"] == "succeeded" and body["attempts"], "its status is read back, with its attempts")
    webhook.stop()


def first_contact(said):
    check("succeeded" in said, "the first contact arrived")


def lose_rows():
    """Removes rows of contacts after the backup, for the restore to bring back; how many rows there were."""
    table = outputs()["TableName"]
    items = client("dynamodb").scan(TableName=table)["Items"]
    for item in [i for i in items if i["sk"]["S"] == "state"][:50]:
        client("dynamodb").delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    check(rows(table) == len(items) - 50, f"50 of {len(items)} rows are lost after the backup")
    return len(items)


def removed():
    listed = [s["StackName"] for s in client("cloudformation").describe_stacks()["Stacks"] if s["StackStatus"] != "DELETE_COMPLETE"]
    check(stack not in listed, "the stack is gone")
    tables = client("dynamodb").list_tables()["TableNames"]
    check(made_table in tables, "its table is retained")


set_stage()
terminal = Terminal()
typed, left_out, made_table, deployments = 0, [], None, 0
for heading, kind, lines, reason in page():
    if kind != "sh":
        continue
    say(heading)
    for line in lines:
        if reason:
            # Every option must be one that the tool has.
            words = line.split("'")[0].split()
            command = words[: next(i for i, w in enumerate(words) if w.startswith("-") or w[0].isupper())]
            usage = subprocess.run(command + ["--help"], capture_output=True, text=True, env=dict(os.environ, PATH=f"{tree}/.tools/bin:{os.environ['PATH']}", COLUMNS="200")).stdout
            missing = [w for w in words if w.startswith("--") and w not in usage]
            check(not missing, f"{' '.join(command)} has every option of: {line}")
            left_out.append(f"{' '.join(command)}: {reason}")
            continue
        if heading == "The secret" and line.startswith("aws secretsmanager put"):
            put_secret()
        if line.startswith("sam delete"):
            made_table = outputs()["TableName"]
        said = terminal.type(line)
        typed += 1
        if line.startswith("make deploy"):
            deployments += 1
            deployed()
            if deployments == 2:
                run_functions()
        if " show 44552" in line:
            first_contact(said)
        if line.startswith("until aws dynamodb wait"):
            lost = lose_rows()
        if line.startswith("scripts/copy-table"):
            check(rows(outputs()["TableName"]) >= lost > 200, f"the rows that were lost are back: {said.splitlines()[-1]}")
        if line.startswith("sam delete"):
            removed()
check(typed > 30 and deployments == 2, f"{typed} commands of docs/operations.md did what they should, {deployments} of them deployments")

say("not rehearsed, for moto's CloudFormation does not make it; tests over the expanded template and make local cover it")
unknown = {line.split(" for ")[1].strip() for line in open(f"{out}/moto.log") if line.startswith("No Moto CloudFormation support")}
for kind in sorted(unknown | {"AWS::Lambda::Permission", "AWS::SecretsManager::Secret"}):
    print("    " + kind)
print("    permissions (moto grants everything), deliveries of stream and schedule, the retry of invocations")
for line in left_out:
    print("    " + line)
