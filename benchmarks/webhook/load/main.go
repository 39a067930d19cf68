// Sends one body again and again over kept connections, and says how long the answers took.
//
//	load URL CA_FILE BODY_FILE CONNECTIONS REQUESTS
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	url, body := os.Args[1], must(os.ReadFile(os.Args[3]))
	connections, requests := must(strconv.Atoi(os.Args[4])), must(strconv.Atoi(os.Args[5]))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(must(os.ReadFile(os.Args[2])))
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: connections,
		MaxConnsPerHost:     connections,
	}}
	send := func() (time.Duration, bool) {
		began := time.Now()
		answer, err := client.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			return time.Since(began), false
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		return time.Since(began), err == nil && answer.StatusCode == 200 && bytes.Contains(said, []byte(`"patchType":"JSONPatch"`))
	}
	var all []time.Duration
	var failed int
	var lock sync.Mutex
	var group sync.WaitGroup
	began := time.Now()
	for range connections {
		group.Add(1)
		go func() {
			defer group.Done()
			var mine []time.Duration
			bad := 0
			for range requests / connections {
				took, good := send()
				mine = append(mine, took)
				if !good {
					bad++
				}
			}
			lock.Lock()
			defer lock.Unlock()
			all = append(all, mine...)
			failed += bad
		}()
	}
	group.Wait()
	wall := time.Since(began)
	slices.Sort(all)
	at := func(share float64) float64 {
		return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"requests": len(all), "failed": failed, "seconds": wall.Seconds(),
		"p50": at(0.5), "p99": at(0.99),
	})
}
