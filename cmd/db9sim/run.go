package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/pg2db9/pg2db9/internal/db9sim"
)

// Exit codes.
const (
	done     = 0
	failed   = 1
	misused  = 2
	defaults = "strict"
)

// run is the whole of the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return done
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "db9sim:", err)
		return misused
	}
	if o.rules == "list" {
		if err := list(stdout); err != nil {
			_, _ = fmt.Fprintln(stderr, "db9sim: listing the rules:", err)
			return failed
		}
		return done
	}
	if err := serve(ctx, o, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "db9sim:", err)
		return failed
	}
	return done
}

// serve stands in until ctx ends.
func serve(ctx context.Context, o options, stdout io.Writer) error {
	sim, err := db9sim.Start(ctx, o.config)
	if err != nil {
		return err
	}
	defer sim.Close()
	url := sim.URL()
	if o.config.Auth.PasswordFile != "" || o.config.Auth.Password != nil {
		url = withoutPassword(url) // whoever started it knows it, or where it is
	}
	if _, err := fmt.Fprintf(stdout, "db9sim (rules %s) at %s\n", o.config.Rules.Name(), url); err != nil {
		return fmt.Errorf("telling the address: %w", err)
	}
	<-ctx.Done()
	return nil
}

// list prints all rules.
func list(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RULE\tKIND\tMARK\tSECTION\tSETS\tWHAT A CLIENT SEES")
	for _, r := range db9sim.Rules() {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Kind, r.Mark, r.Section, strings.Join(r.Sets(), ", "), r.Text)
	}
	return w.Flush()
}

// options are what the flags say.
type options struct {
	rules  string
	config db9sim.Config
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var allow, deny, faults words
	var mode, auth string
	var wan, verbose bool
	c := &o.config
	flags := flag.NewFlagSet("db9sim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.Backend, "backend", "", "`URL` of the PostgreSQL database to stand before; a password is taken from PGPASSWORD or PGPASSFILE")
	flags.StringVar(&c.Listen, "listen", "127.0.0.1:5433", "`address` to listen on")
	flags.StringVar(&o.rules, "rules", defaults, "`rules`: strict, documented, none, a file, or list to print them all")
	flags.Var(&allow, "allow", "`rule` to turn off: there it behaves as PostgreSQL; can be given again")
	flags.Var(&deny, "deny", "`rule` to turn on: there it behaves as DB9 may; can be given again")
	flags.BoolVar(&wan, "wan", false, "the link of a far database: 150 ms round trip, 0.6 MB/s a connection, 250 ms to connect")
	flags.Var(halved{&c.Link.Delay}, "rtt", "round trip time")
	flags.DurationVar(&c.Link.Jitter, "jitter", 0, "how much earlier or later bytes may arrive")
	flags.Var(rate{&c.Link.Rate}, "rate", "`bytes` a second of one connection, each way, such as 600kB")
	flags.Var(rate{&c.Link.TotalRate}, "total-rate", "`bytes` a second of all connections, each way")
	flags.DurationVar(&c.Link.Setup, "setup", 0, "time until a new connection is heard")
	flags.DurationVar(&c.Link.IdleDrop, "idle-drop", 0, "time after which a silent connection is dropped")
	flags.StringVar(&mode, "tls", "off", "`mode`: off, on, required or refused")
	flags.StringVar(&auth, "auth", "", "tenant and role as `tenant.role`")
	flags.StringVar(&c.Auth.PasswordFile, "password-file", "", "`file` that is kept up with a password, a new one each --password-ttl")
	var passwordEnv string
	flags.StringVar(&passwordEnv, "password", "", "`variable` of the environment that holds the password to ask for")
	flags.DurationVar(&c.Auth.PasswordTTL, "password-ttl", 0, "time after which a password is no longer taken")
	flags.Var(&faults, "fault", "`fault` as point:action[,nth=N][,p=P][,times=N][,after=BYTES][,delay=D][,tag=COMMAND]; can be given again")
	flags.Uint64Var(&c.Seed, "seed", 1, "seed of what is random")
	flags.Float64Var(&c.TimeScale, "time-scale", 1, "what a second of DB9's timeouts lasts here")
	flags.IntVar(&c.MaxConnections, "max-connections", 0, "connections to admit (default: DB9's 1,000)")
	flags.BoolVar(&verbose, "v", false, "log what happens")

	// --wan comes first, so that single flags can change it.
	for _, a := range args {
		if a == "--wan" || a == "-wan" {
			c.Link = db9sim.WAN()
		}
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if o.rules == "list" {
		return o, nil
	}
	if c.Backend == "" {
		return o, errors.New("--backend is missing: the URL of the PostgreSQL database to stand before")
	}
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	c.Log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	var err error
	if c.Rules, err = db9sim.ParseRules(o.rules); err != nil {
		return o, err
	}
	if err := errors.Join(c.Rules.Allow(allow...), c.Rules.Deny(deny...)); err != nil {
		return o, err
	}
	if c.TLS, err = db9sim.ParseTLSMode(mode); err != nil {
		return o, err
	}
	for _, text := range faults {
		f, err := db9sim.ParseFault(text)
		if err != nil {
			return o, err
		}
		c.Faults = append(c.Faults, f)
	}
	c.Auth.Tenant, c.Auth.Role, _ = strings.Cut(auth, ".")
	if passwordEnv != "" {
		password := os.Getenv(passwordEnv)
		if password == "" {
			return o, fmt.Errorf("--password %s: the environment has no such variable, or it is empty", passwordEnv)
		}
		c.Auth.Password = func() string { return password }
	}
	return o, nil
}
