// Command pg2db9 copies PostgreSQL databases to DB9.
package main

import (
	"context"
	"os"

	"github.com/pg2db9/pg2db9/internal/cli"
)

func main() {
	streams, done := cli.OS()
	code := cli.Main(context.Background(), os.Args[1:], streams)
	done()
	os.Exit(code)
}
