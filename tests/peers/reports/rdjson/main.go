// Reads rdjsonl as reviewdog does (parser/rdjsonl.go), with its own types: a diagnostic a line on
// standard input, and what became of each on standard output. A field that it does not know is an
// error here.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/reviewdog/reviewdog/proto/rdf"
	"google.golang.org/protobuf/encoding/protojson"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		diagnostic := new(rdf.Diagnostic)
		if err := protojson.Unmarshal(lines.Bytes(), diagnostic); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		where := diagnostic.GetLocation().GetRange().GetStart()
		fmt.Printf(
			"%q %s:%d:%d %s %s %d\n",
			diagnostic.GetMessage(), diagnostic.GetLocation().GetPath(), where.GetLine(), where.GetColumn(),
			diagnostic.GetSeverity(), diagnostic.GetCode().GetValue(), len(diagnostic.GetSuggestions()),
		)
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
