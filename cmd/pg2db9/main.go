// Command pg2db9 copies PostgreSQL databases to DB9.
package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/pg2db9/pg2db9/internal/cli"
)

// memoryGoal is how far the heap may grow between collections (bytes), beyond
// which the collector works harder: a schema of a hundred thousand tables fits,
// and rows never need it. It is a goal and no bound; GOMEMLIMIT overrides it.
const memoryGoal = 400 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryGoal)
	}
	streams, done := cli.OS()
	code := cli.Main(context.Background(), os.Args[1:], streams)
	done()
	os.Exit(code)
}
