package cli

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/internal/config"
)

// plainWord is a word that no shell changes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// shellWord writes a word for a POSIX shell.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// servers are the flags that name both sides again, without a secret: what
// stood on the command line comes from the environment, for the user to set.
func (j *job) serverFlags() []string {
	var out []string
	if j.opts.File != "" {
		out = append(out, "--config", shellWord(j.opts.File))
	}
	for _, name := range serverOptions {
		if !j.opts.Given(name) || j.opts.InFile(name) || strings.HasPrefix(j.opts.Where(name), "PG2DB9_") {
			continue
		}
		if value, plain := j.plainServerOption(name); plain {
			out = append(out, "--"+name, shellWord(value))
			continue
		}
		out = append(out, "--"+name, `"$`+config.Options(name)[0].Env()+`"`)
	}
	return out
}

// plainServerOption is the value of an option of the servers' that is no secret.
func (j *job) plainServerOption(name string) (string, bool) {
	switch name {
	case "network-timeout":
		return strconv.Itoa(j.opts.NetworkTimeout), true
	case "source-ssh":
		return j.opts.SourceSSH, true
	case "target-ssh":
		return j.opts.TargetSSH, true
	case "source-ssh-key":
		return j.opts.SourceSSHKey, true
	case "target-ssh-key":
		return j.opts.TargetSSHKey, true
	case "ssh-known-hosts":
		return j.opts.SSHKnownHosts, true
	}
	return "", false
}

// planFlags repeat what shapes the plan.
func (j *job) planFlags() []string {
	var out []string
	if j.opts.Given("profile") && !j.opts.InFile("profile") {
		out = append(out, "--profile", shellWord(j.opts.Profile))
	}
	if j.opts.Given("accept") && !j.opts.InFile("accept") {
		for _, a := range j.opts.Accept {
			out = append(out, "--accept", shellWord(a))
		}
	}
	return out
}

// probeFlags repeat how the target is asked, for the commands that ask it.
func (j *job) probeFlags() []string {
	var out []string
	for _, x := range []struct {
		name   string
		values []string
	}{{"probe", []string{j.opts.Probe}}, {"probe-cache", []string{j.opts.ProbeCache}}, {"skip-probe", j.opts.SkipProbe}} {
		if !j.opts.Given(x.name) || j.opts.InFile(x.name) {
			continue
		}
		for _, v := range x.values {
			out = append(out, "--"+x.name, shellWord(v))
		}
	}
	return out
}

// filterFlags repeat the user's choice of tables.
func (j *job) filterFlags() []string {
	var out []string
	for _, f := range []struct {
		name     string
		patterns []string
	}{
		{"include-schema", j.opts.IncludeSchemas},
		{"exclude-schema", j.opts.ExcludeSchemas},
		{"include-table", j.opts.IncludeTables},
		{"exclude-table", j.opts.ExcludeTables},
	} {
		if j.opts.InFile(f.name) {
			continue
		}
		for _, p := range f.patterns {
			out = append(out, "--"+f.name, shellWord(p))
		}
	}
	return append(out, j.mappingFlags()...)
}

// commandLine joins a command that the user can run as it is.
func commandLine(command string, groups ...[]string) string {
	return strings.Join(append([]string{"pg2db9", command}, slices.Concat(groups...)...), " ")
}

// otherFlags repeat what else the user asked for on the command line, of what a
// continued run needs too.
func (j *job) otherFlags() []string {
	var out []string
	for _, o := range config.Options(slices.Concat([]string{"primary-key"}, rightsOptions, []string{"call-routines", "format", "jobs", "retry-for", "split-by", "skip-verify", "max-snapshot-age"}, politeOptions, rowOptions)...) {
		if !j.opts.Given(o.Name) || j.opts.InFile(o.Name) || strings.HasPrefix(j.opts.Where(o.Name), "PG2DB9_") {
			continue
		}
		out = append(out, "--"+o.Name)
		if o.Kind != config.Switch {
			out = append(out, shellWord(j.opts.Reveal(o)))
		} else if j.opts.Reveal(o) == "false" {
			out = out[:len(out)-1]
		}
	}
	return out
}

// commandAgain is the command of this run with other flags.
func (j *job) commandAgain(extra ...string) string {
	return commandLine(j.command, j.serverFlags(), j.filterFlags(), j.planFlags(), j.otherFlags(), j.probeFlags(), j.certificateFlags(), extra)
}

// continuation are the commands that bring a partial run to its end, in their order.
func (j *job) continuation() []string {
	if again := j.mendAgain(); again != nil {
		return again
	}
	switch {
	case j.command == cmdRepair:
		return j.repairAgain()
	case j.claimed || j.resumed != nil: // whatever is left to do, the ledger knows it
		return []string{j.commandAgain(j.resumeFlags()...)}
	case j.command == cmdSchema && j.plan != nil && j.unfinished():
		return []string{commandLine(cmdSchema, j.serverFlags(), j.filterFlags(), j.planFlags(), j.probeFlags(), []string{"--apply", shellWord(j.opts.Apply)})}
	}
	return nil
}

// unfinished reports whether statements that the schema command executes were
// not executed with success.
func (j *job) unfinished() bool {
	done := map[string]bool{}
	for _, a := range j.applied {
		for _, id := range a.Done {
			done[id] = true
		}
	}
	for _, s := range j.chosen {
		if !done[s.ID] && !s.Optional {
			return true
		}
	}
	return false
}
