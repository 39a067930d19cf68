// Reads a Flux object from standard input as Flux does, and refuses fields that it does not know.
package main

import (
	"fmt"
	"io"
	"os"

	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	var into any
	switch os.Args[1] {
	case "Kustomization":
		into = &kustomize.Kustomization{}
	case "HelmRelease":
		into = &helm.HelmRelease{}
	}
	if err == nil {
		err = yaml.UnmarshalStrict(text, into)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
