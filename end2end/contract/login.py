"""Prints an access token of the demo store at the address in its first argument."""

import sys

import requests

url = sys.argv[1]
account = {"email": "owner@demo.example", "password": "look around as you like"}
answer = requests.post(f"{url}/api/v1/auth/login", json=account, timeout=10)
answer.raise_for_status()
print(answer.json()["access_token"])
