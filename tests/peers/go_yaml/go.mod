module rke2-lint/tests/peers/go_yaml

go 1.22

require (
	gopkg.in/yaml.v2 v2.4.0
	sigs.k8s.io/yaml v1.4.0
)
