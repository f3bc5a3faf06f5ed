package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/certificate"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/event"
	"github.com/pg2db9/pg2db9/internal/ui/report"
	"github.com/pg2db9/pg2db9/verify"
)

// checkCertificates finds what would keep a certificate from being written,
// before anything is done.
func checkCertificates(command string, cfg *config.Config) error {
	seen := map[string]bool{}
	for _, path := range cfg.Reports {
		seen[filepath.Clean(path)] = true
	}
	for _, path := range cfg.Certificates {
		if err := certificate.CheckPath(path); err != nil {
			return usagef(command, "%s: %v", cfg.Where("certificate"), err)
		}
		if seen[filepath.Clean(path)] {
			return usagef(command, "%s: the file %q is asked for twice", cfg.Where("certificate"), path)
		}
		seen[filepath.Clean(path)] = true
	}
	if len(cfg.Certificates) == 0 {
		return nil
	}
	switch {
	case cfg.SkipVerify:
		return usagef(command, "%s: without verification (%s) there is nothing to certify", cfg.Where("certificate"), cfg.Where("skip-verify"))
	case cfg.DryRun:
		return usagef(command, "%s: a dry run (%s) verifies nothing", cfg.Where("certificate"), cfg.Where("dry-run"))
	}
	return nil
}

// writeCertificates writes the files. One that cannot be written is a failure:
// it was asked for.
func (j *job) writeCertificates(code Code) Code {
	if len(j.opts.Certificates) == 0 || j.opts.Recheck {
		return code
	}
	fail := func(err error) { code = j.unwritten(code, "certificate", err) }
	if j.verified == nil {
		if code == OK {
			fail(errors.New("no certificate was written, since nothing was verified in this run: pg2db9 verify --certificate FILE makes one"))
		}
		return code
	}
	c, err := j.certificate()
	if err != nil {
		fail(err)
		return code
	}
	for _, path := range j.opts.Certificates {
		if err := c.WriteFile(path); err != nil {
			fail(err)
			continue
		}
		j.rep.Message += fmt.Sprintf("; certificate %s, seal %s", path, c.Seal)
	}
	return code
}

func (j *job) certificate() (*certificate.Certificate, error) {
	f := certificate.Facts{
		Report: j.verified, Plan: j.plan, Profile: j.profile, Findings: j.allFindings(), ID: j.id, Command: j.command, Tool: version(),
		Options: j.opts.Effective(), Source: certified(j.rep.Source), Target: certified(j.rep.Target), Simulated: j.rep.Profile.Simulated, Behaviour: j.opts.Behaviour, Live: j.opts.Live,
	}
	finding.Sort(f.Findings)
	if s := j.rep.Snapshot; s != nil && !j.opts.Live { // which is of the definitions alone
		f.Snapshot = &certificate.Snapshot{ID: s.ID, Taken: s.Taken}
	}
	return certificate.New(f)
}

func certified(s report.Server) certificate.Server {
	return certificate.Server{URL: s.URL, Version: s.Version}
}

// certificateFlags repeat where certificates are written.
func (j *job) certificateFlags() []string {
	var out []string
	if j.opts.InFile("certificate") {
		return nil
	}
	for _, path := range j.opts.Certificates {
		out = append(out, "--certificate", shellWord(path))
	}
	if j.opts.Recheck && !j.opts.InFile("recheck") {
		out = append(out, "--recheck")
	}
	return out
}

// byCertificate are options that a certificate decides: it was made under them.
var byCertificate = []string{
	"include-table", "exclude-table", "include-schema", "exclude-schema", "mapping", "exclude-column", "exclude-column-keys", "exclude-table-data", "where",
	"profile", "primary-key", "accept", "probe", "skip-probe", "level", "max-differences", "differences", "show-values", "resume", "state", "behaviour", "live", "deadline",
}

// runRecheck compares a target with a certificate.
func runRecheck(ctx context.Context, p *program, cfg *config.Config) (Code, error) {
	if len(cfg.Certificates) != 1 {
		return OK, usagef(cmdVerify, "%s: it goes with one --certificate FILE", cfg.Where("recheck"))
	}
	for _, name := range byCertificate {
		if cfg.Given(name) && !cfg.InFile(name) {
			return OK, usagef(cmdVerify, "%s: with --recheck the certificate says what is compared, and how", cfg.Where(name))
		}
	}
	// The source is no part of it, wherever it may be named.
	cfg.Source, cfg.SourceURLCommand, cfg.SourcePasswordCommand = "", "", ""
	cfg.SourceSSH, cfg.SourceSSHKey, cfg.SourceSSHPassphraseCommand = "", "", ""
	cfg.Level = config.LevelDigest
	opts, err := newOptions(ctx, cmdVerify, cfg, needs{target: true})
	if err != nil {
		return OK, err
	}
	return p.startJob(ctx, cmdVerify, opts, func(j *job) []step {
		c := &certificate.Certificate{}
		return []step{
			func(context.Context) (err error) {
				if c, err = certificate.ReadFile(opts.Certificates[0], version()); err == nil {
					opts.profile = &c.Run().Profile
				}
				return err
			},
			j.connect,
			func(ctx context.Context) error { return j.recheck(ctx, c) },
		}
	})
}

// recheck reads the target, and holds it against the certificate. What the
// certificate itself calls no match is none now.
func (j *job) recheck(ctx context.Context, c *certificate.Certificate) error {
	ctx, done := j.untilStop(ctx)
	defer done()
	p, err := c.Recheck()
	if err != nil {
		return err
	}
	run := c.Run()
	if run.Target.URL != j.rep.Target.URL {
		j.bus.Emit(event.Note{Text: fmt.Sprintf("the certificate was made of %s; what is compared with it is %s", run.Target.URL, j.rep.Target.URL)})
	}
	j.rep.Source = report.Server{URL: run.Source.URL, Version: run.Source.Version, Transport: "not connected: the certificate speaks for it"}
	j.verified, err = j.runVerify(ctx, p, "comparing the target with the certificate", j.verifyAgain)
	if err != nil {
		return err
	}
	j.weigh(j.verified)
	j.message = rechecked(c, j.verified)
	j.weighCertificate(c)
	return nil
}

// rechecked says what was compared with the certificate, and what was not.
func rechecked(c *certificate.Certificate, rep *verify.Report) string {
	run := c.Run()
	words := fmt.Sprintf("the target holds what the certificate of %s says: %s, %s, %s; seal %s; the source was not read",
		run.Finished.UTC().Format("2006-01-02 15:04:05 UTC"), count(rep.TableCounts().Match, "table"), count(int(rep.Rows()), "row"), count(len(rep.Sequences), "sequence"), c.Seal)
	if n := rep.TableCounts().Skipped; n > 0 {
		words += fmt.Sprintf("; rows of %s not compared: the certificate has no digest of them", count(n, "table"))
	}
	switch run.Level {
	case verify.LevelSchema:
		words += "; rows were not looked at, as for the certificate"
	case verify.LevelCounts:
		words += "; rows were counted, not compared, as for the certificate"
	case verify.LevelDigest, verify.LevelRows, verify.LevelDeep:
	}
	if names := c.Unreliable(); len(names) > 0 {
		n := len(names)
		if n > mostReasons {
			names = append(names[:mostReasons], fmt.Sprintf("%d more", n-mostReasons))
		}
		words += fmt.Sprintf("; columns of %s were not looked at again, since the certificate does not have them as planned: %s", count(n, "table"), strings.Join(names, ", "))
	}
	return words + c.NotLookedAt()
}

// weighCertificate refuses to call equal what the certificate itself does not.
func (j *job) weighCertificate(c *certificate.Certificate) {
	differs, unchecked := c.Standing()
	if len(differs) > 0 {
		j.hold(Differences)
	}
	if len(unchecked) > 0 {
		j.hold(Failed)
	}
	if all := append(differs, unchecked...); len(all) > 0 && j.verified.Good() {
		if len(all) > mostReasons {
			all = append(all[:mostReasons], fmt.Sprintf("%d more", len(all)-mostReasons))
		}
		j.certifiedBad = fmt.Sprintf("the target is as the certificate says, and that says: %s (%s)", c.Summary, strings.Join(all, ", "))
	}
}
