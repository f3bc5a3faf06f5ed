// Command pg gets PostgreSQL servers into the cache of the checkout:
//
//	go run ./internal/pgtest/cmd/pg install 13 15 18
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/pg2db9/pg2db9/internal/pgtest/pgserver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pg:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "install" {
		return errors.New("usage: pg install [MAJOR]... (no major: the default one)")
	}
	majors := []int{pgserver.DefaultMajor}
	if len(args) > 1 {
		majors = nil
	}
	for _, arg := range args[1:] {
		major, err := strconv.Atoi(arg)
		if err != nil || major < pgserver.MinMajor || major > pgserver.MaxMajor {
			return fmt.Errorf("%q is no major from %d to %d", arg, pgserver.MinMajor, pgserver.MaxMajor)
		}
		majors = append(majors, major)
	}
	for _, major := range majors {
		bin, err := pgserver.Install(ctx, major)
		if err != nil {
			return fmt.Errorf("install PostgreSQL %d: %w", major, err)
		}
		if _, err := fmt.Fprintf(out, "PostgreSQL %d: %s\n", major, bin.Dir); err != nil {
			return err
		}
	}
	return nil
}
