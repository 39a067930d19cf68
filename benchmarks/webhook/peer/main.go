// A minimal admission webhook as one would write it in Go: net/http, encoding/json, nothing else.
// It guards itself as far as the standard library makes that one line each.
package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

const patch = `[{"op":"add","path":"/spec/rkeConfig/machineGlobalConfig/kube-proxy-extra-env","value":["IPTABLES_MODE=nft"]}]`

type review struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Request    map[string]any `json:"request,omitempty"`
	Response   *response      `json:"response,omitempty"`
}

type response struct {
	UID              string            `json:"uid"`
	Allowed          bool              `json:"allowed"`
	PatchType        string            `json:"patchType,omitempty"`
	Patch            string            `json:"patch,omitempty"`
	AuditAnnotations map[string]string `json:"auditAnnotations,omitempty"`
}

func mutate(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 7<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	var asked review
	if err := json.Unmarshal(body, &asked); err != nil || asked.Kind != "AdmissionReview" || asked.Request == nil {
		http.Error(w, "not an AdmissionReview", http.StatusBadRequest)
		return
	}
	uid, _ := asked.Request["uid"].(string)
	answer, err := json.Marshal(review{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: &response{
		UID: uid, Allowed: true, PatchType: "JSONPatch", Patch: base64.StdEncoding.EncodeToString([]byte(patch)),
		AuditAnnotations: map[string]string{"decision": "injected"},
	}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

func main() {
	http.HandleFunc("/mutate", mutate)
	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Args[1],
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       120 * time.Second,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // HTTP/1.1 only
	}
	log.Fatal(server.ListenAndServeTLS(os.Args[2]+"/tls.crt", os.Args[2]+"/tls.key"))
}
