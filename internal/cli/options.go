package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/assess"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/ssh"
	"github.com/pg2db9/pg2db9/internal/preflight"
	"github.com/pg2db9/pg2db9/internal/preflight/sourcefacts"
	"github.com/pg2db9/pg2db9/internal/probe"
	"github.com/pg2db9/pg2db9/internal/ui/report"
)

// mostJobs is far above what helps: a typing error, not a wish.
const mostJobs = 256

// mostNetworkTimeout is a day (seconds): whoever wants more wants none.
const mostNetworkTimeout = 86_400

// The options that several commands share.
var (
	serverOptions = []string{
		"source", "target", "source-url-command", "target-url-command", "source-password-command", "target-password-command", "network-timeout",
		"source-ssh", "target-ssh", "source-ssh-key", "target-ssh-key", "source-ssh-passphrase-command", "target-ssh-passphrase-command", "ssh-known-hosts",
	}
	targetOptions = []string{
		"target", "target-url-command", "target-password-command", "network-timeout",
		"target-ssh", "target-ssh-key", "target-ssh-passphrase-command", "ssh-known-hosts",
	}
	filterOptions   = slices.Concat([]string{"include-table", "exclude-table", "include-schema", "exclude-schema"}, mappingOptions)
	outputOptions   = []string{"json", "log-level", "log-file", "no-progress"}
	planOptions     = []string{"profile", "primary-key", "accept"}
	rightsOptions   = []string{"roles", "owners", "privileges", "policies", "no-comments"}
	probeOptions    = []string{"probe", "probe-cache", "skip-probe"} // of commands that go by a probed profile
	resumeOptions   = []string{"resume", "new-snapshot", "on-changed", "redo", "skip", "retry-failed", "keep-snapshot", "max-snapshot-age"}
	politeOptions   = []string{"min-jobs", "max-jobs", "max-rate", "source-max-connections", "max-lag-bytes", "max-active", "max-transaction", "yield-locks"}
	rowOptions      = []string{"on-row-error", "max-rejects", "rejects-dir", "rejects-ok"}
	verifyOptions   = []string{"level", "max-differences", "differences", "show-values", "live", "deadline", "resume", "state", "certificate", "recheck"}
	transferOptions = []string{"jobs", "split-by", "retry-for", "dry-run", "report", "on-existing", "skip-verify"}
)

func optionNames(groups ...[]string) []string { return slices.Concat(groups...) }

// options are a command's options, checked and parsed: nothing of what can be
// known without a connection is wrong with them.
type options struct {
	*config.Config
	source  *dial.Endpoint
	target  *dial.Endpoint // nil where a command can do without
	filter  catalog.Filter
	mapping *usermap.Spec
	profile *ddlgen.Profile // nil: the target is asked
	polite  politeness
	probes  probe.Selection

	noRetryFor bool // the command has no --retry-for
}

// needs says which sides a command cannot do without.
type needs struct{ source, target bool }

// newOptions validates.
func newOptions(ctx context.Context, command string, cfg *config.Config, n needs) (*options, error) {
	o := &options{Config: cfg, filter: catalog.Filter{
		IncludeSchemas: cfg.IncludeSchemas, ExcludeSchemas: cfg.ExcludeSchemas,
		IncludeTables: cfg.IncludeTables, ExcludeTables: cfg.ExcludeTables,
	}}
	if cfg.NetworkTimeout < 1 || cfg.NetworkTimeout > mostNetworkTimeout {
		return nil, usagef(command, "%s: must be 1 to %d seconds, not %d", cfg.Where("network-timeout"), mostNetworkTimeout, cfg.NetworkTimeout)
	}
	if err := checkBastions(command, cfg); err != nil {
		return nil, err
	}
	var err error
	if o.source, err = endpoint(ctx, command, cfg, dial.Source, n.source); err != nil {
		return nil, err
	}
	if o.target, err = endpoint(ctx, command, cfg, dial.Target, n.target); err != nil {
		return nil, err
	}
	if o.source != nil && o.target != nil && o.source.String() == o.target.String() && o.source.Bastion() == o.target.Bastion() {
		return nil, usagef(command, "source and target are the same database, %s: the target must be another one", o.source)
	}
	if cfg.RetryFor < 1 {
		if cfg.Given("retry-for") {
			return nil, usagef(command, "%s: must be at least 1 second, not %d", cfg.Where("retry-for"), cfg.RetryFor)
		}
		cfg.RetryFor, o.noRetryFor = 1, true // a command without the option
	}
	if cfg.Jobs < 1 || cfg.Jobs > mostJobs {
		if cfg.Given("jobs") || cfg.Jobs != 0 {
			return nil, usagef(command, "%s: must be 1 to %d, not %d", cfg.Where("jobs"), mostJobs, cfg.Jobs)
		}
		cfg.Jobs = 1 // a command without the option
	}
	if o.polite, err = readPolite(command, cfg); err != nil {
		return nil, err
	}
	if err := checkOpenFiles(command, cfg); err != nil {
		return nil, err
	}
	if o.profile, err = profile(cfg); err != nil {
		return nil, err
	}
	if o.mapping, err = readMapping(cfg); err != nil {
		return nil, err
	}
	if o.probes, err = chosenProbes(command, cfg); err != nil {
		return nil, err
	}
	if err := checkAccept(command, cfg); err != nil {
		return nil, err
	}
	if err := checkLeftBehind(command, cfg); err != nil {
		return nil, err
	}
	if err := checkResume(command, cfg); err != nil {
		return nil, err
	}
	if err := checkRejects(command, cfg); err != nil {
		return nil, err
	}
	return o, checkReports(command, cfg)
}

// endpoint parses a connection string, or asks the command for it, and names
// the option where it is missing.
func endpoint(ctx context.Context, command string, cfg *config.Config, side dial.Side, needed bool) (*dial.Endpoint, error) {
	url, urlCommand, passwordCommand := cfg.Source, cfg.SourceURLCommand, cfg.SourcePasswordCommand
	if side == dial.Target {
		url, urlCommand, passwordCommand = cfg.Target, cfg.TargetURLCommand, cfg.TargetPasswordCommand
	}
	name := string(side)
	from := name
	switch {
	case url != "" && urlCommand != "":
		return nil, usagef(command, "%s and %s: give one of them", cfg.Where(name), cfg.Where(name+"-url-command"))
	case urlCommand != "":
		from = name + "-url-command"
	case url == "":
		if !needed {
			return nil, nil //nolint:nilnil // no endpoint is a choice of the user's
		}
		return nil, usagef(command, "no %s: give --%s URL or set PG2DB9_%s", name, name, strings.ToUpper(name))
	}
	e, err := dial.Open(ctx, side, dial.Options{
		URL: url.Reveal(), URLCommand: urlCommand.Reveal(), PasswordCommand: passwordCommand.Reveal(),
		NetworkTimeout: time.Duration(cfg.NetworkTimeout) * time.Second, SSH: bastion(cfg, side),
	})
	var conn *dial.ConnStringError
	var option *ssh.OptionError
	switch {
	case errors.As(err, &conn):
		return nil, &config.Error{Where: cfg.Where(from), Reason: err.Error()}
	case errors.As(err, &option):
		return nil, &config.Error{Where: cfg.Where(option.Option), Reason: option.Reason}
	}
	return e, err
}

// bastion is how a side is reached by SSH, if it is.
func bastion(cfg *config.Config, side dial.Side) dial.SSH {
	o := dial.SSH{
		Bastion: cfg.SourceSSH, Key: cfg.SourceSSHKey, PassphraseCommand: cfg.SourceSSHPassphraseCommand.Reveal(),
		Agent: cfg.SSHAgent, KnownHosts: cfg.SSHKnownHosts,
	}
	if side == dial.Target {
		o.Bastion, o.Key, o.PassphraseCommand = cfg.TargetSSH, cfg.TargetSSHKey, cfg.TargetSSHPassphraseCommand.Reveal()
	}
	return o
}

// checkBastions finds keys for bastions that nobody named: the side would be
// reached straight, which is not what was meant.
func checkBastions(command string, cfg *config.Config) error {
	for _, side := range []struct {
		name, bastion, key string
		command            config.Secret
	}{
		{"source", cfg.SourceSSH, cfg.SourceSSHKey, cfg.SourceSSHPassphraseCommand},
		{"target", cfg.TargetSSH, cfg.TargetSSHKey, cfg.TargetSSHPassphraseCommand},
	} {
		switch {
		case side.bastion == "" && side.key != "":
			return usagef(command, "%s: there is no --%s-ssh that it is for", cfg.Where(side.name+"-ssh-key"), side.name)
		case side.key == "" && side.command != "":
			return usagef(command, "%s: there is no --%s-ssh-key that it is for", cfg.Where(side.name+"-ssh-passphrase-command"), side.name)
		}
	}
	return nil
}

// checkAccept refuses codes that no finding has: a mistyped one would block
// the run after hours of thinking that it would not.
func checkAccept(command string, cfg *config.Config) error {
	known := make([]string, 0, 64)
	for _, r := range assess.Rules() {
		known = append(known, string(r.Code))
	}
	for _, a := range cfg.Accept {
		code, _, _ := strings.Cut(a, ":")
		if slices.Contains(preflight.Codes(), finding.Code(code)) && !preflight.Acceptable(finding.Code(code)) ||
			finding.Code(code) == sourcefacts.SourcePooler || finding.Code(code) == sourcefacts.SourceBalanced {
			return usagef(command, "%s: %s cannot be accepted: the run would fail with the target half written", cfg.Where("accept"), code)
		}
		if slices.Contains(known, code) {
			continue
		}
		msg := "%s: no finding has the code %q"
		if near := config.Nearest(code, known); near != "" {
			return usagef(command, msg+"; did you mean %q?", cfg.Where("accept"), code, near)
		}
		return usagef(command, msg, cfg.Where("accept"), code)
	}
	return nil
}

// chosenProbes reads --only and --skip-probe.
func chosenProbes(command string, cfg *config.Config) (probe.Selection, error) {
	if _, err := probe.Select(cfg.OnlyProbe, nil); err != nil {
		return probe.Selection{}, usagef(command, "%s: %v", cfg.Where("only"), err)
	}
	chosen, err := probe.Select(cfg.OnlyProbe, cfg.SkipProbe)
	if err != nil {
		return chosen, usagef(command, "%s: %v", cfg.Where("skip-probe"), err)
	}
	return chosen, nil
}

// checkReports finds what would keep a report from being written, before
// anything is done.
func checkReports(command string, cfg *config.Config) error {
	seen := map[string]bool{}
	for _, path := range cfg.Reports {
		if err := report.CheckPath(path); err != nil {
			return usagef(command, "%s: %v", cfg.Where("report"), err)
		}
		clean := filepath.Clean(path)
		if seen[clean] {
			return usagef(command, "%s: the report %q is asked for twice", cfg.Where("report"), path)
		}
		seen[clean] = true
	}
	return nil
}

// accepted reports whether the user goes on in spite of a finding of preflight's.
func (o *options) accepted(f finding.Finding) bool {
	return (preflight.Acceptable(f.Code) || sourcefacts.Acceptable(f.Code)) &&
		(slices.Contains(o.Accept, string(f.Code)) || slices.Contains(o.Accept, string(f.Code)+":"+f.Object.Path()))
}

// filtered reports whether the user named tables or schemas.
func (o *options) filtered() bool {
	return len(o.IncludeTables)+len(o.ExcludeTables)+len(o.IncludeSchemas)+len(o.ExcludeSchemas) > 0
}
