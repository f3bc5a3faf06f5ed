package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/sync/cron"
)

// cronJob is what of Kubernetes' batch/v1 CronJob is used; other words are errors.
type cronJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   objectMeta
	Spec       struct {
		Schedule                   string
		TimeZone                   string `yaml:"timeZone"`
		ConcurrencyPolicy          string `yaml:"concurrencyPolicy"`
		StartingDeadlineSeconds    *int64 `yaml:"startingDeadlineSeconds"`
		SuccessfulJobsHistoryLimit *int32 `yaml:"successfulJobsHistoryLimit"`
		FailedJobsHistoryLimit     *int32 `yaml:"failedJobsHistoryLimit"`
		JobTemplate                struct {
			Spec struct {
				BackoffLimit            *int32 `yaml:"backoffLimit"`
				TTLSecondsAfterFinished *int32 `yaml:"ttlSecondsAfterFinished"`
				Template                podTemplate
			}
		} `yaml:"jobTemplate"`
	}
}

// deployment is what of Kubernetes' apps/v1 Deployment is used.
type deployment struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   objectMeta
	Spec       struct {
		Replicas *int32
		Strategy struct{ Type string }
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template podTemplate
	}
}

type objectMeta struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
}

type podTemplate struct {
	Metadata objectMeta
	Spec     podSpec
}

type podSpec struct {
	RestartPolicy                 string `yaml:"restartPolicy"`
	AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
	TerminationGracePeriodSeconds *int64 `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		RunAsNonRoot   *bool                 `yaml:"runAsNonRoot"`
		RunAsUser      *int64                `yaml:"runAsUser"`
		SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Containers []container
	Volumes    []struct {
		Name      string
		ConfigMap *struct{ Name string } `yaml:"configMap"`
		EmptyDir  *struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
}

type container struct {
	Name    string
	Image   string
	Args    []string
	Env     []struct{ Name, Value string }
	EnvFrom []struct {
		SecretRef struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Resources       struct{ Requests, Limits map[string]string }
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   *bool `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
	Ports []struct {
		Name          string
		ContainerPort int32 `yaml:"containerPort"`
	}
	StartupProbe  *podProbe `yaml:"startupProbe"`
	LivenessProbe *podProbe `yaml:"livenessProbe"`
}

type podProbe struct {
	HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
	PeriodSeconds    int32                       `yaml:"periodSeconds"`
	TimeoutSeconds   int32                       `yaml:"timeoutSeconds"`
	FailureThreshold int32                       `yaml:"failureThreshold"`
}

// manifest reads a file of docs/kubernetes into what it must be; a word that is not
// known there is an error.
func manifest(t *testing.T, file string, into any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "kubernetes", file))
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalWithOptions(text, into, yaml.Strict()))
	return string(text)
}

var kubernetesName = regexp.MustCompile(`\A[a-z0-9]([-a-z0-9]*[a-z0-9])?\z`)

// takenPod fails where a pod does not hold together, or its command is none. The job
// file stands where the command looks for it.
func takenPod(t *testing.T, pod podSpec, job string) container {
	t.Helper()
	require.Len(t, pod.Containers, 1)
	c := pod.Containers[0]
	require.Regexp(t, kubernetesName, c.Name)
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		require.True(t, volumes[m.Name], m.Name)
	}
	require.True(t, *pod.SecurityContext.RunAsNonRoot && *c.SecurityContext.ReadOnlyRootFilesystem && !*pod.AutomountServiceAccountToken)
	takenByProgram(t, strings.Fields(strings.ReplaceAll(strings.Join(c.Args, " "), "/etc/pg2db9/sync.yaml", jobs(t, job))))
	return c
}

// The CronJob has no word that Kubernetes does not know, and its command is one.
func TestSyncCronJob(t *testing.T) {
	t.Parallel()
	var job cronJob
	text := manifest(t, "sync-cronjob.yaml", &job)
	require.Equal(t, []string{"batch/v1", "CronJob"}, []string{job.APIVersion, job.Kind})
	require.Regexp(t, kubernetesName, job.Metadata.Name)
	_, err := cron.Parse(job.Spec.Schedule)
	require.NoError(t, err)
	require.Equal(t, "Forbid", job.Spec.ConcurrencyPolicy)
	pod := job.Spec.JobTemplate.Spec.Template.Spec
	require.Equal(t, "Never", pod.RestartPolicy)
	takenPod(t, pod, "tables: [{table: public.t, mode: mirror}]")
	for old, bad := range map[string]string{"schedule:": "shedule:", "readOnly: true": "readonly: true", "restartPolicy:": "restartpolicy:"} {
		require.Error(t, yaml.UnmarshalWithOptions([]byte(strings.Replace(text, old, bad, 1)), &cronJob{}, yaml.Strict()), bad)
	}
}

// The Deployment too: there is never more than one of it, its labels select it, and
// its probes ask where the process answers.
func TestSyncDeployment(t *testing.T) {
	t.Parallel()
	var d deployment
	text := manifest(t, "sync-serve.yaml", &d)
	require.Equal(t, []string{"apps/v1", "Deployment", "Recreate"}, []string{d.APIVersion, d.Kind, d.Spec.Strategy.Type})
	require.Regexp(t, kubernetesName, d.Metadata.Name)
	require.Equal(t, int32(1), *d.Spec.Replicas)
	require.Equal(t, d.Spec.Template.Metadata.Labels, d.Spec.Selector.MatchLabels)
	require.Equal(t, "Always", d.Spec.Template.Spec.RestartPolicy)
	c := takenPod(t, d.Spec.Template.Spec, "tables: [{table: public.t, mode: mirror, schedule: '@hourly'}]")
	require.Len(t, c.Ports, 1)
	require.Contains(t, strings.Join(c.Args, " "), fmt.Sprintf("--listen 0.0.0.0:%d --metrics", c.Ports[0].ContainerPort))
	for _, p := range []*podProbe{c.StartupProbe, c.LivenessProbe} {
		require.Equal(t, []string{"/healthz", c.Ports[0].Name}, []string{p.HTTPGet.Path, p.HTTPGet.Port})
	}
	for old, bad := range map[string]string{"replicas:": "replica:", "livenessProbe:": "livenessprobe:", "containerPort:": "port:"} {
		require.Error(t, yaml.UnmarshalWithOptions([]byte(strings.Replace(text, old, bad, 1)), &deployment{}, yaml.Strict()), bad)
	}
}
