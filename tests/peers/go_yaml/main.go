// Says what go-yaml v2.4.0 makes of a text: one base64 text a line in, one JSON object a line out.
//
// "rke2" is the first document as RKE2's configuration reader decodes it (into a MapSlice),
// "kubernetes" as kubectl and Rancher do (sigs.k8s.io/yaml). Where either refuses the text, there
// is an error in its place.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	rke2 "gopkg.in/yaml.v2"
	kubernetes "sigs.k8s.io/yaml"
)

type answer struct {
	RKE2            any             `json:"rke2"`
	RKE2Error       string          `json:"rke2_error,omitempty"`
	Kubernetes      json.RawMessage `json:"kubernetes,omitempty"`
	KubernetesError string          `json:"kubernetes_error,omitempty"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		text, err := base64.StdEncoding.DecodeString(string(line[:len(line)-1]))
		if err != nil {
			panic(err)
		}
		if err := encoder.Encode(read(text)); err != nil {
			panic(err)
		}
		out.Flush()
	}
}

func read(text []byte) (said answer) {
	said.RKE2, said.RKE2Error = asRKE2(text)
	said.Kubernetes, said.KubernetesError = asKubernetes(text)
	return said
}

// RKE2 decodes into a MapSlice, which keeps order and repeated keys. What is no mapping at its root
// it refuses; here its value is told all the same.
func asRKE2(text []byte) (value any, problem string) {
	defer func() {
		if crash := recover(); crash != nil {
			value, problem = nil, fmt.Sprint("panic: ", crash)
		}
	}()
	var items []any
	if err := rke2.Unmarshal(text, &items); err == nil && items != nil {
		return plain(items), ""
	}
	decoded := rke2.MapSlice{}
	err := rke2.Unmarshal(text, &decoded)
	if err == nil {
		return plain(decoded), ""
	}
	if _, ofType := err.(*rke2.TypeError); !ofType {
		return nil, err.Error()
	}
	var scalar any
	if err := rke2.Unmarshal(text, &scalar); err != nil {
		return nil, err.Error()
	}
	return plain(scalar), ""
}

func asKubernetes(text []byte) (value json.RawMessage, problem string) {
	defer func() {
		if crash := recover(); crash != nil {
			value, problem = nil, fmt.Sprint("panic: ", crash)
		}
	}()
	value, err := kubernetes.YAMLToJSON(text)
	if err != nil {
		return nil, err.Error()
	}
	return value, ""
}

// Every value says its type: JSON would not tell 1 from 1.0, and knows no order and no NaN.
func plain(value any) any {
	switch value := value.(type) {
	case nil:
		return []any{"null"}
	case bool:
		return []any{"bool", value}
	case int:
		return []any{"int", strconv.Itoa(value)}
	case int64:
		return []any{"int", strconv.FormatInt(value, 10)}
	case uint64:
		return []any{"int", strconv.FormatUint(value, 10)}
	case float64:
		return []any{"float", strconv.FormatFloat(value, 'g', -1, 64)}
	case string:
		return []any{"text", value}
	case []any:
		items := []any{}
		for _, item := range value {
			items = append(items, plain(item))
		}
		return []any{"list", items}
	case rke2.MapSlice:
		entries := []any{}
		for _, entry := range value {
			entries = append(entries, []any{plain(entry.Key), plain(entry.Value)})
		}
		return []any{"mapping", entries}
	case map[any]any:
		entries := []any{}
		for key, item := range value {
			entries = append(entries, []any{plain(key), plain(item)})
		}
		return []any{"mapping", entries}
	}
	panic(fmt.Sprintf("unexpected %T", value))
}
