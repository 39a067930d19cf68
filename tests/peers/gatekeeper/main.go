// Gatekeeper's own mutation, for tests: Assigns from a YAML file, requests as lines of JSON on standard
// input, and for each a line with the object as Gatekeeper's webhook would patch it, or with its error.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-policy-agent/gatekeeper/v3/apis/mutations/unversioned"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/mutation"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/mutation/mutators/assign"
	"github.com/open-policy-agent/gatekeeper/v3/pkg/mutation/types"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type request struct {
	Operation admissionv1.Operation  `json:"operation"`
	Object    map[string]interface{} `json:"object"`
}

type answer struct {
	Object  map[string]interface{} `json:"object"`
	Mutated bool                   `json:"mutated"`
	Error   string                 `json:"error"`
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	system, err := load(path)
	if err != nil {
		return err
	}
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var asked request
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			return err
		}
		if err := out.Encode(ask(system, asked)); err != nil {
			return err
		}
	}
	return in.Err()
}

// load reads the Assigns of a file; a field that Gatekeeper does not know is an error.
func load(path string) (*mutation.System, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	system := mutation.NewSystem(mutation.SystemOpts{})
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		one := &unversioned.Assign{}
		if err := yaml.UnmarshalStrict(document, one); err != nil {
			return nil, err
		}
		mutator, err := assign.MutatorForAssign(one)
		if err != nil {
			return nil, err
		}
		if err := system.Upsert(mutator); err != nil {
			return nil, err
		}
	}
	return system, nil
}

func ask(system *mutation.System, asked request) answer {
	object := &unstructured.Unstructured{Object: asked.Object}
	mutable := &types.Mutable{
		Object:    object,
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.GetNamespace()}},
		Source:    types.SourceTypeOriginal,
		Operation: asked.Operation,
	}
	mutated, err := system.Mutate(context.Background(), mutable)
	if err != nil {
		return answer{Object: asked.Object, Error: err.Error()}
	}
	return answer{Object: object.Object, Mutated: mutated}
}
