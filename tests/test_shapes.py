"""The shapes in which people write their YAML, and what a fix makes of each of them.

Each shape is a little diff: `+` is what the fix adds, `-` what it takes away, the rest stays.
All of them are tried with LF, CR LF and CR, without a newline at the end, with a byte order mark
and in UTF-16: nothing but the fix may differ then.
"""

from __future__ import annotations

import codecs
import json

import pytest

from rke2_policies.edits import Append, Edit, Remove, Rename, Set
from rke2_policies.edits.as_text import RewriteError, rewrite
from rke2_policies.edits.comments import prove_comments
from rke2_policies.yaml_source import Source

NAME = "kube-proxy-extra-env"
PIN = "IPTABLES_MODE=nft"
KEY = (NAME,)
CONFIG = ("spec", "rkeConfig", "machineGlobalConfig")
IN_CLUSTER = (*CONFIG, NAME)

CLUSTER = """\
 apiVersion: provisioning.cattle.io/v1
 kind: Cluster
 metadata:
   name: c
 spec:
"""

YAML = [
    pytest.param(
        Append(KEY, PIN),
        """\
 cni: calico
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
""",
        id="the key is missing",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 cni: calico
 x: |-
   a
   # not a comment
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft

 # real comment
""",
        id="the last line of a block of text looks like a comment",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 cni: calico
 x: |+
   a


+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
 # real comment
""",
        id="a block of text that keeps its blank lines ends the map",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 x: >
   a

   b

 y: 1
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
""",
        id="a folded text stands in between",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 x: "a
   # not a comment"
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
 # real
""",
        id="a quoted text has a line that looks like a comment",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 x: a
   b
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
 # c
""",
        id="the last text goes over two lines",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 x: 1
 y:   # todo
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft

 # tail
""",
        id="the last value is not written, and has a comment",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 x: &a [p]
 y: *a   # use
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
 # tail
""",
        id="the last value is an alias",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 x: &a p
 y:
 - q
 - *a  # use
+kube-proxy-extra-env:
+- IPTABLES_MODE=nft
 # tail
""",
        id="the last list ends in an alias",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 y:
 - q
 -
+kube-proxy-extra-env:
+- IPTABLES_MODE=nft
 # tail
""",
        id="the last list ends in a bare dash",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 # head
 ---
 cni: calico
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
""",
        id="a comment and --- stand above",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 cni: calico
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
 ...
""",
        id="the document ends with ...",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
   - TZ=UTC
+  - IPTABLES_MODE=nft
""",
        id="the list is indented",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
 - TZ=UTC
+- IPTABLES_MODE=nft
 cni: x
""",
        id="the list is not indented",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
     -   "TZ=UTC"   # tz
+    -   "IPTABLES_MODE=nft"
     # after
 cni: x
""",
        id="the dash is wide and the items are quoted",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
 - 'A=1'
 - 'B=2'
+- 'IPTABLES_MODE=nft'
""",
        id="the items are in single quotes",
    ),
    pytest.param(
        Set(KEY, ["FOO=1", PIN]),
        """\
-kube-proxy-extra-env: "FOO=1"  # why
+kube-proxy-extra-env:
+  - "FOO=1"  # why
+  - "IPTABLES_MODE=nft"
 cni: x
""",
        id="a scalar becomes the first item, with its comment",
    ),
    pytest.param(
        Set(KEY, ["FOO=1,2", PIN]),
        """\
-kube-proxy-extra-env: FOO=1,2
+kube-proxy-extra-env:
+  - FOO=1,2
+  - IPTABLES_MODE=nft
""",
        id="a scalar with a comma stays one item",
    ),
    pytest.param(
        Set(KEY, PIN),
        """\
-kube-proxy-extra-env: "IPTABLES_MODE=legacy"
+kube-proxy-extra-env: "IPTABLES_MODE=nft"
""",
        id="the wrong value is a quoted scalar",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: [ "A=1", "B=2" ]  # c
+kube-proxy-extra-env: [ "A=1", "B=2", "IPTABLES_MODE=nft" ]  # c
""",
        id="a list in brackets",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: [A=1,]
+kube-proxy-extra-env: [A=1, IPTABLES_MODE=nft,]
""",
        id="a list in brackets with a comma at its end",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: []
+kube-proxy-extra-env: [IPTABLES_MODE=nft]
""",
        id="an empty list",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: [ ]
+kube-proxy-extra-env: [IPTABLES_MODE=nft]
""",
        id="an empty list with a blank inside",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env: [
     "A=1",  # one
-    "B=2"   # two
+    "B=2",   # two
+    "IPTABLES_MODE=nft"
   ]
""",
        id="a list in brackets over several lines, with comments",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env: [
     "A=1",  # one
     "B=2",   # two
+    "IPTABLES_MODE=nft",
   ]
""",
        id="a list in brackets over several lines, with a comma at its end",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env: [ "A=1",
-                        "B=2" ]
+                        "B=2",
+                        "IPTABLES_MODE=nft" ]
""",
        id="a list in brackets that hangs",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
 cni: x
""",
        id="the value is not written",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:   # todo
+  - IPTABLES_MODE=nft
 cni: x
""",
        id="the value is not written, and has a comment",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: ~  # todo
+kube-proxy-extra-env:  # todo
+  - IPTABLES_MODE=nft
 cni: x
""",
        id="the value is ~",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: null
+kube-proxy-extra-env:
+  - IPTABLES_MODE=nft
""",
        id="the value is null",
    ),
    pytest.param(
        Set((*KEY, 1), PIN),
        """\
 kube-proxy-extra-env:
 - A=1
-- IPTABLES_MODE=legacy # old
+- IPTABLES_MODE=nft # old
 - B=2
""",
        id="a wrong item has a comment",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- "IPTABLES_MODE=NFT"
+- "IPTABLES_MODE=nft"
""",
        id="a wrong item is quoted",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- IPTABLES_MODE="nft"
+- IPTABLES_MODE=nft
""",
        id="the quotes are part of the value",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- IPTABLES_MODE: nft
+- IPTABLES_MODE=nft
""",
        id="the item is a mapping",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- IPTABLES_MODE=
+- IPTABLES_MODE=nft
""",
        id="the variable has no value",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- IPTABLES_MODE
+- IPTABLES_MODE=nft
""",
        id="the item has no =",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env: &e
 - A=1
+- IPTABLES_MODE=nft
 cni: x
""",
        id="the list has an anchor that nobody uses",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: &e [A=1]
+kube-proxy-extra-env: &e [A=1, IPTABLES_MODE=nft]
 cni: x
""",
        id="a list in brackets has an anchor that nobody uses",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 # ünïcödé 🎉
 x: "🎉"
-kube-proxy-extra-env: ["A=🎉"]
+kube-proxy-extra-env: ["A=🎉", "IPTABLES_MODE=nft"]
""",
        id="characters outside ASCII stand above",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
 - A=1\t# tab
+- IPTABLES_MODE=nft
""",
        id="a tab stands before a comment",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 "kube-proxy-extra-env":
 - A=1
+- IPTABLES_MODE=nft
""",
        id="the key is quoted",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env :
 - A=1
+- IPTABLES_MODE=nft
""",
        id="a blank stands before the colon",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-{cni: calico}
+{cni: calico, kube-proxy-extra-env: [IPTABLES_MODE=nft]}
""",
        id="the whole file is in braces",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-{}
+{kube-proxy-extra-env: [IPTABLES_MODE=nft]}
""",
        id="the whole file is {}",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
   # first
   - A=1

   # second
   - B=2
+  - IPTABLES_MODE=nft

 # next section
 cni: x
""",
        id="comments stand between the items",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
   cni: x
   kube-proxy-extra-env:
   - A=1
+  - IPTABLES_MODE=nft
""",
        id="the whole map is indented",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
     machineSelectorConfig: []
+    machineGlobalConfig:
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="machineGlobalConfig is missing",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
-    machineGlobalConfig: {}  # none yet
+    machineGlobalConfig:  # none yet
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
     etcd: {}
""",
        id="machineGlobalConfig is {}, and has a comment",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
     machineGlobalConfig:
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
     # a comment
     etcd: {}
""",
        id="machineGlobalConfig is not written",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
-    machineGlobalConfig: ~ # x
+    machineGlobalConfig: # x
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="machineGlobalConfig is ~, and has a comment",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
-  rkeConfig: {}
+  rkeConfig:
+    machineGlobalConfig:
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="rkeConfig is {}",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
+    machineGlobalConfig:
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="rkeConfig is not written",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
-    machineGlobalConfig: {cni: calico, disable: [a, b]}  # c
+    machineGlobalConfig: {cni: calico, disable: [a, b], kube-proxy-extra-env: [IPTABLES_MODE=nft]}  # c
""",
        id="machineGlobalConfig is in braces",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
     machineGlobalConfig: {
       cni: calico,  # one
-      profile: cis  # two
+      profile: cis,  # two
+      kube-proxy-extra-env: [IPTABLES_MODE=nft]
     }
""",
        id="machineGlobalConfig is in braces over several lines",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
     machineGlobalConfig:
       cni: calico
       disable:
         - a
       tls-san:
         - b
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
     # sel
     machineSelectorConfig:
     - config: {}
""",
        id="most lists are indented",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
 apiVersion: provisioning.cattle.io/v1
 kind: Cluster
 spec:
     rkeConfig:
         machineGlobalConfig:
             cni: calico
+            kube-proxy-extra-env:
+                - IPTABLES_MODE=nft
""",
        id="the file is indented by four",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
     machineGlobalConfig: &m  # shared
       cni: calico
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="machineGlobalConfig has an anchor that nobody uses",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
 # top
 ---
 apiVersion: v1
 kind: ConfigMap
 metadata: {name: x}
 ---
 apiVersion: provisioning.cattle.io/v1
 kind: Cluster
 metadata:
   name: c
 spec:
   rkeConfig:
     machineGlobalConfig:
       cni: c
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
 ---
 # only a comment
""",
        id="other documents stand above and below",
    ),
    pytest.param(
        Append(("items", 0, "spec", "rkeConfig", "machineGlobalConfig", NAME), PIN),
        """\
 apiVersion: v1
 kind: List
 items:
 - apiVersion: provisioning.cattle.io/v1
   kind: Cluster
   spec:
     rkeConfig:
       machineGlobalConfig:
         cni: c
+        kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
 - apiVersion: v1
   kind: Secret
""",
        id="the cluster is in a List",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
 x-base: &b
   cni: c
 apiVersion: provisioning.cattle.io/v1
 kind: Cluster
 metadata:
   name: c
 spec:
   rkeConfig:
     machineGlobalConfig:
       <<: *b
       profile: cis
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="a merge key stands first",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
 x-base: &b
   cni: c
 apiVersion: provisioning.cattle.io/v1
 kind: Cluster
 metadata:
   name: c
 spec:
   rkeConfig:
     machineGlobalConfig:
       profile: cis
       <<: *b
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
""",
        id="a merge key stands last",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
@cluster
   rkeConfig:
     machineGlobalConfig:
       cni: c
       x: |2-
             y
             # z
+      kube-proxy-extra-env:
+        - IPTABLES_MODE=nft

     additionalManifest: |
       kube-proxy-extra-env: []
""",
        id="the last value is a block of text that says its indent",
    ),
    pytest.param(
        Set(KEY, [PIN]),
        """\
 kube-proxy-extra-env:
-  IPTABLES_MODE: nft
+  - IPTABLES_MODE=nft
""",
        id="a mapping stands where a list is wanted",
    ),
    pytest.param(
        Remove((*KEY, 0)),
        """\
 kube-proxy-extra-env:
-- IPTABLES_MODE=legacy
 - IPTABLES_MODE=nft
""",
        id="an item goes",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- name: IPTABLES_MODE
-  value: nft   # pin
+- IPTABLES_MODE=nft   # pin
 - A=1
""",
        id="the item is a name and a value",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-  - {name: IPTABLES_MODE, value: nft}  # pin
+  - "IPTABLES_MODE=nft"  # pin
   - "A=1"
""",
        id="the item is a name and a value in braces, the others are quoted",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
-kube-proxy-extra-env: [IPTABLES_MODE: nft, A=1]
+kube-proxy-extra-env: [IPTABLES_MODE=nft, A=1]
""",
        id="the item is a mapping without braces",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
-- [IPTABLES_MODE=nft]
+- IPTABLES_MODE=nft
""",
        id="the item is a list",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
 kube-proxy-extra-env:
--  # to do
+- IPTABLES_MODE=nft  # to do
 - A=1
""",
        id="the item is not written",
    ),
    pytest.param(
        Set(KEY, [PIN]),
        """\
-kube-proxy-extra-env: {IPTABLES_MODE: nft}  # pin
+kube-proxy-extra-env: [IPTABLES_MODE=nft]  # pin
""",
        id="a mapping in braces stands where a list is wanted",
    ),
    pytest.param(
        Set(KEY, [PIN]),
        """\
-kube-proxy-extra-env: ""  # none
+kube-proxy-extra-env:  # none
+  - "IPTABLES_MODE=nft"
 cni: x
""",
        id="the value is an empty text",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
-  []   # none
+  [IPTABLES_MODE=nft]   # none
""",
        id="an empty list has a line of its own",
    ),
    pytest.param(
        Set(KEY, ["A=1", PIN]),
        """\
 kube-proxy-extra-env:   # why
-  A=1   # one
+  - A=1   # one
+  - IPTABLES_MODE=nft
 cni: x
""",
        id="a scalar has a line of its own",
    ),
    pytest.param(
        Append(("kube-proxy-extra-env+",), PIN),
        """\
 kube-proxy-extra-env+:
 - A=1
+- IPTABLES_MODE=nft
""",
        id="the key adds to what other files say",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
 - A=1
 kube-proxy-extra-env:
 - B=1
+- IPTABLES_MODE=nft
""",
        id="the key is said twice: the last one is in force",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env:
 - A=1
+- IPTABLES_MODE=nft
 cni:\tx
""",
        id="a tab stands behind a colon",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 "cni": "calico"
 "profile": "cis"
+"kube-proxy-extra-env":
+  - IPTABLES_MODE=nft
""",
        id="all keys are quoted",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-{kube-proxy-extra-env: ~, cni: x}
+{kube-proxy-extra-env: [IPTABLES_MODE=nft], cni: x}
""",
        id="a null in braces",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-{cni: x, kube-proxy-extra-env}
+{cni: x, kube-proxy-extra-env: [IPTABLES_MODE=nft]}
""",
        id="a key without a colon in braces",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-kube-proxy-extra-env: ["A=1", "B=2" # two
+kube-proxy-extra-env: ["A=1", "B=2", # two
+                       "IPTABLES_MODE=nft"
                       ]
""",
        id="a comment stands before the bracket",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 kube-proxy-extra-env: [ # none
-  ]
+  IPTABLES_MODE=nft]
""",
        id="an empty list holds a comment",
    ),
    pytest.param(
        Append((*CONFIG[:2], "machineSelectorConfig"), {"config": {NAME: [PIN]}}),
        """\
@cluster
   rkeConfig:
-    machineSelectorConfig: []  # none yet
+    machineSelectorConfig:  # none yet
+    - config:
+        kube-proxy-extra-env:
+        - IPTABLES_MODE=nft
     machinePools:
     - name: a
""",
        id="the first selector is added",
    ),
    pytest.param(
        Append((*CONFIG[:2], "machineSelectorConfig"), {"config": {NAME: [PIN]}}),
        """\
@cluster
   rkeConfig:
     machineSelectorConfig:
     -   config:
             profile: cis
         # for all
+    -   config:
+            kube-proxy-extra-env:
+            -   IPTABLES_MODE=nft
""",
        id="another selector is added",
    ),
    pytest.param(
        Append((*CONFIG[:2], "machineSelectorConfig", 0, "config", NAME), PIN),
        """\
@cluster
   rkeConfig:
     machineSelectorConfig:
       - machineLabelSelector: {}
+        config:
+          kube-proxy-extra-env:
+            - IPTABLES_MODE=nft
       - config: {}
""",
        id="a selector says no config",
    ),
    pytest.param(
        Append((*CONFIG[:2], "machineSelectorConfig", 1, "config", NAME), PIN),
        """\
@cluster
   rkeConfig:
     machineSelectorConfig:
       - machineLabelSelector: {}
-      - config: {}
+      - config:
+          kube-proxy-extra-env:
+            - IPTABLES_MODE=nft
         machineLabelSelector: {}
""",
        id="a selector's config is {}",
    ),
    pytest.param(
        Set((*CONFIG, "cni"), "none"),
        """\
 x-base: &b
   cni: calico
 kind: Cluster
 spec:
   rkeConfig:
     machineGlobalConfig:
       <<: *b
+      cni: none
""",
        id="a merged key is said again",
    ),
    pytest.param(
        Set(("a",), "yes"),
        """\
-a: no
+a: "yes"
""",
        id="a text that go-yaml would take for true",
    ),
    pytest.param(
        Set(("a", "b"), {"c": ["0600", "x y", "a: b", "1e3"], "on": None}),
        """\
 a:   # here
+  b:
+    c:
+      - "0600"
+      - x y
+      - 'a: b'
+      - "1e3"
+    "on": null
""",
        id="texts that need quotes",
    ),
    pytest.param(
        Set(("a",), 600),
        """\
-a: "0600"  # mode
+a: 600  # mode
""",
        id="a number in the place of a text",
    ),
    pytest.param(
        Set(("a",), {"b": 1, "c": 2, "d": {"e": 1}}),
        """\
 a:
-  b: 3   # three
+  b: 1   # three
   # two
   c: 2
+  d:
+    e: 1
""",
        id="a mapping grows and one of its values changes",
    ),
    pytest.param(
        Set(("data", "values"), "a: 1\nb: 3\n\nc: 4\n"),
        """\
 data:
   values: |   # hosted
       a: 1
-      b: 2
+      b: 3
+
+      c: 4

 # below
""",
        id="a line of a block of text",
    ),
    pytest.param(
        Append(("a", 0), "w"),
        """\
 a:
   - - x
+    - w
   - - z
""",
        id="a list in a list",
    ),
    pytest.param(
        Rename(("kube-proxy-env",), NAME),
        """\
 cni: calico
-kube-proxy-env:   # misspelt
+kube-proxy-extra-env:   # misspelt
   # the pin
   - IPTABLES_MODE=nft
 profile: cis
""",
        id="a key gets another name",
    ),
    pytest.param(
        Rename((*CONFIG, "kube-proxy-extra-env+"), NAME),
        """\
@cluster
   rkeConfig:
-    machineGlobalConfig: {"kube-proxy-extra-env+": [A=1], cni: x}  # c
+    machineGlobalConfig: {"kube-proxy-extra-env": [A=1], cni: x}  # c
""",
        id="a quoted key in braces gets another name",
    ),
    pytest.param(
        Remove(("profile",)),
        """\
 cni: calico   # cni
-profile: cis
 # below
""",
        id="a key goes",
    ),
    pytest.param(
        Remove(("profile",), comments=True),
        """\
-profile: cis   # why
 # below
 cni: calico
""",
        id="a key goes with its comment",
    ),
    pytest.param(
        Remove(CONFIG),
        """\
@cluster
-  rkeConfig:   # nothing
-    machineGlobalConfig:
-      cni: calico
+  rkeConfig: {}   # nothing
 # below
""",
        id="the only key goes",
    ),
    pytest.param(
        Remove((*KEY, 1)),
        """\
-kube-proxy-extra-env: [A=1, B=2, C=3]
+kube-proxy-extra-env: [A=1, C=3]
""",
        id="an item in brackets goes",
    ),
    pytest.param(
        Remove((*KEY, 0)),
        """\
-kube-proxy-extra-env: [ A=1 ]
+kube-proxy-extra-env: []
""",
        id="the only item in brackets goes",
    ),
    pytest.param(
        Remove((*CONFIG[:2], "machineSelectorConfig", 0, "machineLabelSelector")),
        """\
@cluster
   rkeConfig:
     machineSelectorConfig:
-    - machineLabelSelector: {}
-      config:
+    - config:
         profile: cis
""",
        id="the first key of an item goes",
    ),
]

JSON = [
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
-{"apiVersion":"provisioning.cattle.io/v1","kind":"Cluster","spec":{"rkeConfig":{"machineGlobalConfig":{"cni":"c"}}}}
+{"apiVersion":"provisioning.cattle.io/v1","kind":"Cluster","spec":{"rkeConfig":{"machineGlobalConfig":{"cni":"c","kube-proxy-extra-env":["IPTABLES_MODE=nft"]}}}}
""",
        id="compact",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
 {
   "apiVersion": "provisioning.cattle.io/v1",
   "kind": "Cluster",
   "spec": {
     "rkeConfig": {
       "machineGlobalConfig": {
-        "cni": "c"
+        "cni": "c",
+        "kube-proxy-extra-env": [
+          "IPTABLES_MODE=nft"
+        ]
       }
     }
   }
 }
""",
        id="spread",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 {
 \t"cni": "c",
 \t"kube-proxy-extra-env": [
-\t\t"A=1"
+\t\t"A=1",
+\t\t"IPTABLES_MODE=nft"
 \t]
 }
""",
        id="spread with tabs",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-{"kube-proxy-extra-env": null}
+{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}
""",
        id="the value is null",
    ),
    pytest.param(
        Set(KEY, ["A=1", PIN]),
        """\
-{"kube-proxy-extra-env": "A=1"}
+{"kube-proxy-extra-env": ["A=1", "IPTABLES_MODE=nft"]}
""",
        id="the value is a text",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
-{}
+{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"]}
""",
        id="the whole file is {}",
    ),
    pytest.param(
        Append((*CONFIG, NAME), PIN),
        """\
 {
   "kind": "Cluster",
   "spec": {
     "rkeConfig": {
-      "machineGlobalConfig": {},
+      "machineGlobalConfig": {
+        "kube-proxy-extra-env": ["IPTABLES_MODE=nft"]
+      },
       "disable": ["a", "b"]
     }
   }
 }
""",
        id="spread, with lists on one line",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
 {
     "metadata": {
       "labels": {
         "a": "b"
       }
     },
-    "cni": "x"
+    "cni": "x",
+    "kube-proxy-extra-env": [
+      "IPTABLES_MODE=nft"
+    ]
 }
""",
        id="spread, most of it by two",
    ),
    pytest.param(
        Set(KEY, ["A=1", PIN]),
        """\
 {
-  "kube-proxy-extra-env": "A=1",
+  "kube-proxy-extra-env": [
+    "A=1",
+    "IPTABLES_MODE=nft"
+  ],
   "cni": "x"
 }
""",
        id="spread, and the value is a text",
    ),
    pytest.param(
        Rename(("kube-proxy-env",), NAME),
        """\
-{"kube-proxy-env": ["A=1"]}
+{"kube-proxy-extra-env": ["A=1"]}
""",
        id="a key gets another name",
    ),
]

REFUSED = [
    pytest.param(
        Append(KEY, PIN),
        """\
x: &e [A=1]
kube-proxy-extra-env: *e
""",
        "the value is the alias *e; changing the anchor would change other places too",
        id="the value is an alias",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
x: &m {cni: c}
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata:
  name: c
spec:
  rkeConfig:
    machineGlobalConfig: *m
""",
        "the value is the alias *m; changing the anchor would change other places too",
        id="machineGlobalConfig is an alias",
    ),
    pytest.param(
        Set(KEY, ["A=1\nB=2\n", PIN]),
        """\
kube-proxy-extra-env: |
  A=1
  B=2
""",
        "a text of several lines stands in its place",
        id="a block of text stands where a list is wanted",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
? kube-proxy-extra-env
: null
""",
        "the key is written in the `? key` form",
        id="the key is in the `? key` form",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
kube-proxy-extra-env: &e
- A=1
kube-apiserver-extra-env: *e
""",
        "it would change everything that says *e, too",
        id="another place uses the anchor of the list",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
kube-proxy-extra-env:
- &i IPTABLES_MODE=legacy
x: *i
""",
        "the value is the anchor &i, for other places to refer to",
        id="another place uses the anchor of the item",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
kube-proxy-extra-env:
- name: IPTABLES_MODE   # the mode
  value: nft
""",
        "a comment stands in the way: # the mode",
        id="a comment stands inside what would go",
    ),
    pytest.param(
        Remove(KEY),
        """\
cni: x
kube-proxy-extra-env: []  # none
""",
        "a comment stands in the way: # none",
        id="a comment stands beside what would go",
    ),
    pytest.param(
        Set(KEY, [PIN]),
        """\
kube-proxy-extra-env: >-
  A=1
""",
        "there is a block of text in its place",
        id="a folded text stands where a list is wanted",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
kube-proxy-extra-env:
- &i IPTABLES_MODE=legacy
""",
        "the value is the anchor &i, for other places to refer to",
        id="the item has an anchor",
    ),
    pytest.param(
        Set((*KEY, 0), PIN),
        """\
kube-proxy-extra-env:
- !!str IPTABLES_MODE=legacy
""",
        "the value says its type with a tag",
        id="the item has a tag",
    ),
    pytest.param(
        Append(IN_CLUSTER, PIN),
        """\
x: &b
  machineGlobalConfig:
    cni: x
kind: Cluster
spec:
  rkeConfig:
    <<: *b
""",
        "machineGlobalConfig comes from another place, through the merge key <<",
        id="machineGlobalConfig comes through a merge",
    ),
    pytest.param(
        Rename(("a",), "b"),
        """\
x: &k a
*k : 1
""",
        "the key is an alias",
        id="the key is an alias",
    ),
    pytest.param(
        Remove(("a",)),
        """\
a: &x 1
b: 2
""",
        "the anchor &x stands in what would go",
        id="an anchor stands in what would go",
    ),
    pytest.param(
        Set(("a",), "x\n"),
        """\
a: |-
  y
""",
        "the block of text would end in another way",
        id="the block of text keeps no newline",
    ),
    pytest.param(
        Append(KEY, PIN),
        """\
kube-proxy-extra-env:
- A=1
b: [
""",
        "the document cannot be read as RKE2 and Kubernetes read it",
        id="the document cannot be read",
    ),
]

ENCODINGS = [
    pytest.param("\n", True, b"", "utf-8", id="LF"),
    pytest.param("\r\n", True, b"", "utf-8", id="CRLF"),
    pytest.param("\r", True, b"", "utf-8", id="CR"),
    pytest.param("\n", False, b"", "utf-8", id="no-final-newline"),
    pytest.param("\n", True, codecs.BOM_UTF8, "utf-8", id="BOM"),
    pytest.param("\r\n", True, codecs.BOM_UTF16_LE, "utf-16-le", id="UTF-16-LE"),
    pytest.param("\n", True, codecs.BOM_UTF16_BE, "utf-16-be", id="UTF-16-BE"),
]


def sides(diff: str) -> tuple[str, str]:
    """Return the text before and the text after."""
    lines = diff.replace("@cluster\n", CLUSTER).splitlines(keepends=True)
    before = (line[1:] or line for line in lines if not line.startswith("+"))
    after = (line[1:] or line for line in lines if not line.startswith("-"))
    return "".join(before), "".join(after)


def number_of(source: Source, edit: Edit) -> int:
    """Return the document that an edit is for: the first one that has the first key."""
    trees = (document.tree for document in source.documents)
    return next((n for n, tree in enumerate(trees) if edit.route[0] in (tree or ())), 0)


@pytest.mark.parametrize(("newline", "ends", "mark", "encoding"), ENCODINGS)
@pytest.mark.parametrize(("edit", "diff"), [*YAML, *JSON])
def test_a_fix_adds_and_takes_away_what_the_diff_says(edit, diff, newline, ends, mark, encoding):
    path = "t.json" if diff in {shape.values[1] for shape in JSON} else "t.yaml"
    before, after = (
        mark + (text if ends else text.removesuffix("\n")).replace("\n", newline).encode(encoding)
        for text in sides(diff)
    )
    source = Source.read(path, before)
    made = rewrite(source, number_of(source, edit), [edit])
    assert made.source.data == after
    prove_comments(source, made.source, made.dropped)
    if path.endswith(".json"):
        json.loads(made.source.text)


@pytest.mark.parametrize(("edit", "text", "reason"), REFUSED)
def test_what_cannot_be_changed_safely_is_refused_with_its_reason(edit, text, reason):
    source = Source.read("t.yaml", text.replace("@cluster\n", sides(CLUSTER)[0]).encode())
    with pytest.raises(RewriteError) as refusal:
        rewrite(source, number_of(source, edit), [edit])
    assert str(refusal.value) == reason
