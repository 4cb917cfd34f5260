"""Signs requests with botocore: JSON lines in, JSON lines out.

In:  {"method", "url", "headers": [[name, value]], "body": hex, "token", "at": unix seconds, "region", "service",
      "access_key", "secret_key", "presign": bool}
Out: {"url", "headers": [[name, value]]}
"""

import datetime
import json
import sys
from unittest import mock

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTH = {
    (False, False): SigV4Auth,
    (False, True): SigV4QueryAuth,
    (True, False): S3SigV4Auth,
    (True, True): S3SigV4QueryAuth,
}


def sign(case):
    request = AWSRequest(case["method"], case["url"], data=bytes.fromhex(case["body"]))
    for name, value in case["headers"]:
        request.headers.add_header(name, value)
    auth = AUTH[case["service"] == "s3", case["presign"]]
    credentials = Credentials(case["access_key"], case["secret_key"], case["token"])
    now = datetime.datetime.fromtimestamp(case["at"], datetime.timezone.utc).replace(tzinfo=None)
    options = {"expires": 600} if case["presign"] else {}
    with mock.patch("botocore.auth.get_current_datetime", return_value=now):
        auth(credentials, case["service"], case["region"], **options).add_auth(request)
    return {"url": request.url, "headers": list(request.headers.items())}


for line in sys.stdin:
    print(json.dumps(sign(json.loads(line))))
