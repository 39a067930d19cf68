// Asks Prometheus' own engine what expressions come to, for series that a test has made up.
//
// Standard input is JSON: {"series": promqltest's words for them, "asked": [{"expr": …, "at": seconds}]}. Standard output
// is one list for each question: the labels and the value of every series that it comes to.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
)

type question struct {
	Expr string `json:"expr"`
	At   int64  `json:"at"`
}

type sample struct {
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
}

// What promqltest asks of a test: to be told when it fails.
type told struct{}

func (told) Errorf(format string, args ...any) { fail(fmt.Errorf(format, args...)) }
func (told) FailNow()                          { os.Exit(1) }

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	var given struct {
		Series string     `json:"series"`
		Asked  []question `json:"asked"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fail(err)
	}
	storage := promqltest.LoadedStorage(told{}, given.Series)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1000000, Timeout: time.Minute})
	answers := [][]sample{}
	for _, each := range given.Asked {
		query, err := engine.NewInstantQuery(context.Background(), storage, nil, each.Expr, time.Unix(each.At, 0))
		if err != nil {
			fail(err)
		}
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil {
			fail(err)
		}
		found := []sample{}
		for _, one := range vector {
			found = append(found, sample{one.Metric.Map(), fmt.Sprint(one.F)})
		}
		answers = append(answers, found)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}
