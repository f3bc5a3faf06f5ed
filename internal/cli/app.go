package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/sync/schedule"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// Streams is what a process gives its program.
type Streams struct {
	In      io.Reader                // answers to questions; nil: none are asked
	Out     io.Writer                // results
	Err     io.Writer                // progress, logs, errors
	Getenv  func(name string) string // the environment
	Self    string                   // this program's file, to start it once more; "" cannot
	Signals <-chan os.Signal         // interrupts, and requests for a progress line; nil for none
	Clock   schedule.Clock           // by which sync serve goes; nil is the machine's

	// Hangups begins to hear the signal that asks sync serve to read its file
	// again, until done is called; nil: it is not heard.
	Hangups func() (asked <-chan os.Signal, done func())
}

// terminal reports whether w is a terminal that takes escape sequences.
func (s Streams) terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && s.Getenv("TERM") != "dumb"
}

// command is one command: its options and its work.
type command struct {
	name    string
	usage   string // one line
	about   string // what it does, for its help
	options []string
	files   string // what stands for its arguments in help; "" takes none
	jobs    bool   // its --config names a job file of syncs
	hidden  bool   // started by the program itself
	run     func(ctx context.Context, p *program, cfg *config.Config) (Code, error)
}

// program is one call of the program.
type program struct {
	streams Streams
	lines   *ui.Lines // JSON lines on stdout
	command string
	json    bool
	told    bool // the end was told already, with an exit object where asked for
}

// commands are all commands, in the order of help.
func commands() []command {
	return []command{
		assessCommand(), cloneCommand(), schemaCommand(), copyCommand(), verifyCommand(), repairCommand(), sequencesCommand(), probeCommand(), rejectsExportCommand(), rejectsLoadCommand(),
		syncInitCommand(), syncRunCommand(), syncPlanCommand(), syncServeCommand(), syncStatusCommand(), syncHistoryCommand(), syncResetCommand(),
		benchCommand(), benchCompareCommand(), benchEstimateCommand(), benchCleanCommand(), statusCommand(), cleanCommand(), versionCommand(), holderCommand(),
	}
}

// Main runs the program and returns its exit code. args are without the
// program's name.
func Main(ctx context.Context, args []string, streams Streams) (code int) {
	if streams.Getenv == nil {
		streams.Getenv = func(string) string { return "" }
	}
	p := &program{streams: streams, lines: ui.NewLines(streams.Out), json: wantsJSON(args)}
	defer func() {
		if v := recover(); v != nil { // a bug; a stack says nothing to the user
			code = p.end(Failed, fmt.Errorf("internal error: %v; please report it with the command and the versions of both servers", v))
		}
	}()
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	var result Code
	err := p.app(&result).RunContext(ctx, append([]string{"pg2db9"}, args...))
	return p.end(worst(result, codeOf(err)), err)
}

// wantsJSON looks for --json among arguments that may not be usable otherwise.
func wantsJSON(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		return a == "--json" || a == "-json" || a == "--json=true" || a == "-json=true"
	})
}

// end tells an error that no report told, and the exit object.
func (p *program) end(code Code, err error) int {
	if p.told {
		return int(code)
	}
	message := ""
	if err != nil {
		message = redact(ui.ErrorText(err))
		_, _ = fmt.Fprintf(p.streams.Err, "pg2db9: %s\n", message)
		var usage *usageError
		if errors.As(err, &usage) {
			_, _ = fmt.Fprintln(p.streams.Err, usage.hint())
		}
	}
	if p.json {
		p.exitObject(code, message, nil)
	}
	return int(code)
}

// exitObject is the last line of JSON output.
func (p *program) exitObject(code Code, message string, next []string) {
	if next == nil {
		next = []string{}
	}
	p.lines.Write("exit", ui.Object{{Key: "code", Value: int(code)}, {Key: "meaning", Value: code.String()}, {Key: "message", Value: message}, {Key: "next", Value: next}})
	p.told = true
}

// app builds the command line parser.
func (p *program) app(result *Code) *cli.App {
	quiet := func(*cli.Context, error) {} // Main tells errors, once
	app := &cli.App{
		Name:                      "pg2db9",
		Usage:                     "copy a PostgreSQL database to DB9, and prove that it arrived",
		UsageText:                 "pg2db9 COMMAND [OPTIONS]",
		Description:               "Options may stand before or after the command. Each can also be set by PG2DB9_... in the environment or by its\nname in the file of --config; the command line decides before the environment, the environment before the file.\n\n" + exitHelp(),
		Writer:                    p.streams.Out,
		ErrWriter:                 p.streams.Err,
		ExitErrHandler:            quiet,
		HideVersion:               true,
		HideHelp:                  true, // the library's flag is one variable for all calls in a process; ours are in flags
		DisableSliceFlagSeparator: true, // names may hold commas
		Flags:                     hidden(flags(config.Options())),
		OnUsageError:              usageHandler("", config.Options()),
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c.Args().First())
			}
			_ = cli.ShowAppHelp(c)
			return usagef("", "no command given")
		},
	}
	for _, cmd := range commands() {
		one := p.parsed(cmd, result)
		group, name, grouped := strings.Cut(cmd.name, " ")
		if !grouped {
			app.Commands = append(app.Commands, one)
			continue
		}
		one.Name = name
		at := slices.IndexFunc(app.Commands, func(c *cli.Command) bool { return c.Name == group })
		if at < 0 {
			at = len(app.Commands)
			app.Commands = append(app.Commands, p.group(group))
		}
		all := app.Commands[at]
		all.Subcommands = append(all.Subcommands, one)
		sep := ", "
		if len(all.Subcommands) == 1 && all.Usage != "" { // the group does something by itself
			sep = "; "
		}
		all.Usage = strings.TrimPrefix(all.Usage+sep+cmd.name, ", ")
	}
	return app
}

// parsed is a command for the parser.
func (p *program) parsed(cmd command, result *Code) *cli.Command {
	opts := config.Options(cmd.options...)
	return &cli.Command{
		Name: cmd.name, Hidden: cmd.hidden, Usage: cmd.usage, UsageText: strings.TrimSpace("pg2db9 " + cmd.name + " [OPTIONS] " + cmd.files),
		Description: cmd.about + "\n\n" + exitHelp(), HideHelp: true,
		Flags: cmd.flags(opts), OnUsageError: usageHandler(cmd.name, opts),
		Action: func(c *cli.Context) error {
			cfg, err := p.configure(c, cmd)
			if err != nil {
				return err
			}
			*result, err = cmd.run(c.Context, p, cfg)
			return err
		},
	}
}

// group holds the commands whose names begin with a word.
func (p *program) group(word string) *cli.Command {
	return &cli.Command{
		Name: word, HideHelp: true, Flags: hidden(flags(config.Options())), OnUsageError: usageHandler(word, config.Options()),
		UsageText: "pg2db9 " + word + " COMMAND [OPTIONS]",
		Action: func(c *cli.Context) error {
			var names []string
			for _, cmd := range commands() {
				if strings.HasPrefix(cmd.name, word+" ") {
					names = append(names, cmd.name)
				}
			}
			return usagef(word, "%s is followed by what to do: %s", word, strings.Join(names, ", "))
		},
	}
}

// configure resolves a command's options.
func (p *program) configure(c *cli.Context, cmd command) (*config.Config, error) {
	p.command = cmd.name
	if c.Args().Present() && cmd.files == "" {
		arg := c.Args().First()
		if strings.Contains(arg, "://") || strings.Contains(arg, "=") {
			return nil, usagef(cmd.name, "unexpected argument: connection strings are given by --source and --target")
		}
		return nil, usagef(cmd.name, "unexpected argument %q: %s takes options alone", arg, cmd.name)
	}
	given := map[string][]string{}
	lineage := c.Lineage()
	for _, ctx := range slices.Backward(lineage) { // the outermost first: the command's own decide
		if ctx.Command == nil {
			continue
		}
		for _, o := range config.Options() {
			if !slices.Contains(ctx.LocalFlagNames(), o.Name) {
				continue
			}
			if !slices.ContainsFunc(cmd.options, func(n string) bool { return config.NameOf(n) == o.Name }) {
				return nil, usagef(cmd.name, "--%s does not belong to %s", o.Name, cmd.name)
			}
			given[o.Name] = flagValues(ctx, o)
		}
	}
	file, jobs := c.String(configFlag), ""
	if cmd.jobs {
		file, jobs = "", file
	}
	if file == "" {
		file = p.streams.Getenv("PG2DB9_CONFIG")
	}
	cfg, err := config.Resolve(config.Input{Names: cmd.options, Flags: given, Getenv: p.streams.Getenv, File: file})
	if err != nil {
		return nil, err
	}
	cfg.Files, cfg.JobFile = c.Args().Slice(), jobs
	cfg.File, cfg.SSHAgent = file, p.streams.Getenv("SSH_AUTH_SOCK")
	p.json = cfg.JSON
	return cfg, nil
}

func flagValues(ctx *cli.Context, o config.Option) []string {
	switch o.Kind {
	case config.List:
		return ctx.StringSlice(o.Name)
	case config.Switch:
		return []string{fmt.Sprint(ctx.Bool(o.Name))}
	case config.Text, config.Number:
	}
	return []string{ctx.String(o.Name)}
}

const configFlag = "config"

// flags turns options into the parser's. Only switches are typed: complaints
// about values are config's, which names the place of each alike.
func flags(opts []config.Option) []cli.Flag {
	out := []cli.Flag{
		&cli.StringFlag{Name: configFlag, Usage: "read options from the YAML `FILE`"},
		&cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show this help", DisableDefaultText: true},
	}
	for _, o := range opts {
		usage := o.Usage
		switch o.Kind {
		case config.List:
			out = append(out, &cli.StringSliceFlag{Name: o.Name, Aliases: o.Aliases, Usage: usage})
		case config.Switch:
			out = append(out, &cli.BoolFlag{Name: o.Name, Aliases: o.Aliases, Usage: usage, DisableDefaultText: true})
		case config.Text, config.Number:
			out = append(out, &cli.StringFlag{Name: o.Name, Aliases: o.Aliases, Usage: usage, DefaultText: o.Default})
		}
	}
	return out
}

// flags are a command's own.
func (c *command) flags(opts []config.Option) []cli.Flag {
	all := flags(opts)
	if c.jobs {
		all[0] = &cli.StringFlag{Name: configFlag, Usage: "the job `FILE` (YAML) that says which tables are kept current, and how"}
	}
	return all
}

// hidden takes flags out of the help: they are listed with the commands.
func hidden(all []cli.Flag) []cli.Flag {
	for _, f := range all {
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Hidden = true
		case *cli.StringSliceFlag:
			f.Hidden = true
		case *cli.BoolFlag:
			f.Hidden = true
		}
	}
	return all
}

var (
	notDefined = regexp.MustCompile(`^flag provided but not defined: -+(.*)$`)
	noArgument = regexp.MustCompile(`^flag needs an argument: -+(.*)$`)
	badBoolean = regexp.MustCompile(`^invalid boolean (?:value|flag) .* for -+([a-z-]+)`)
)

// usageHandler puts the parser's complaints into our words.
func usageHandler(command string, opts []config.Option) cli.OnUsageErrorFunc {
	names := []string{configFlag, "help"}
	for _, o := range opts {
		names = append(names, o.Name)
	}
	return func(_ *cli.Context, err error, _ bool) error {
		if m := notDefined.FindStringSubmatch(err.Error()); m != nil {
			msg := "unknown flag --" + m[1]
			if near := config.Nearest(m[1], names); near != "" {
				msg += "; did you mean --" + near + "?"
			}
			return usagef(command, "%s", msg)
		}
		if m := noArgument.FindStringSubmatch(err.Error()); m != nil {
			return usagef(command, "--%s needs a value", m[1])
		}
		if m := badBoolean.FindStringSubmatch(err.Error()); m != nil {
			return usagef(command, "--%s is a switch: it takes no value but true or false", m[1])
		}
		return usagef(command, "%s", err.Error())
	}
}

func unknownCommand(name string) error {
	var names []string
	for _, c := range commands() {
		if !c.hidden {
			names = append(names, c.name)
		}
	}
	msg := fmt.Sprintf("unknown command %q", name)
	if near := config.Nearest(name, names); near != "" {
		return usagef("", "%s; did you mean %q?", msg, near)
	}
	return usagef("", "%s; the commands are %s", msg, strings.Join(names, ", "))
}
