package serve

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"waybill/harness/experiment"
	"waybill/results"
	"waybill/results/story"
)

// runPage is what is shown of one run.
type runPage struct {
	Title    string
	Run      Run
	Lanes    []experiment.Lane
	Episodes []experiment.Episode
	Repeat   string
	Report   bool
	Files    []fileGroup
	Live     *livePage // nil: it is not in progress
	Asked    string    // the token that was asked for
	Why      string    // nothing is told of it
}

// fileGroup is files that belong together.
type fileGroup struct {
	Name  string
	Files []fileLink
}

type fileLink struct {
	Name string // below the run directory
	Size uint64
}

// run answers for one run directory and what is in it.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	at, rest, ok := s.index.split(r.PathValue("path"), aRun)
	if !ok {
		s.fail(w, http.StatusNotFound, "There is no such run here", "")
		return
	}
	one, d, ok := s.index.run(at)
	switch first, token, _ := strings.Cut(rest, "/"); {
	case !ok:
		s.fail(w, http.StatusNotFound, "That run directory is gone", "")
	case rest == "" && !strings.HasSuffix(r.URL.Path, "/"):
		http.Redirect(w, r, string(runLink(at)), http.StatusMovedPermanently) // or links from it would lead nowhere
	case rest == "":
		draw(w, http.StatusOK, "run.html", s.newRunPage(one, d))
	case rest == "live":
		s.events(w, r, one, d)
	case first == "story":
		s.story(w, r, one, d, token)
	default:
		s.file(w, r, at, rest)
	}
}

func (s *Server) newRunPage(one Run, d results.Dir) runPage {
	p := runPage{Title: one.Target + " " + path.Base(one.Path), Run: one}
	if one.Trouble != "" {
		return p
	}
	// What cannot be read is not shown: the list says of it why.
	if e, err := d.LoadExperiment(); err == nil {
		p.Lanes = e.Lanes
	}
	if x, err := d.LoadSchedule(); err == nil {
		p.Episodes = x.Episodes
	}
	if m, err := d.LoadManifest(); err == nil {
		p.Repeat = m.Repeat()
	}
	p.Files = s.index.files(one.Path, []string{"verdict.json", "junit.xml", "schedule.yaml", "experiment.yaml", "manifest.json"}, "plots", "windows", "brokers", "lab")
	p.Report = s.index.file(path.Join(one.Path, "report.html"))
	if one.State == Running {
		live := s.lives.join(one.Path, d)
		p.Live = live.page()
		live.leave()
	}
	return p
}

// filesOfGroup is how many files of one kind are listed: a soak of brokers may leave thousands.
const filesOfGroup = 200

// files lists what can be read of a directory: single files, then those of some folders of it.
func (x *index) files(at string, single []string, folders ...string) (out []fileGroup) {
	sub, err := x.root.OpenRoot(at)
	if err != nil {
		return nil
	}
	defer sub.Close() // only read from
	g := fileGroup{Name: "in its directory"}
	for _, name := range single {
		if s, err := sub.Lstat(name); err == nil && s.Mode().IsRegular() {
			g.Files = append(g.Files, fileLink{name, uint64(s.Size())})
		}
	}
	if len(g.Files) > 0 {
		out = append(out, g)
	}
	for _, folder := range folders {
		g := fileGroup{Name: folder}
		_ = fs.WalkDir(sub.FS(), folder, func(name string, e fs.DirEntry, err error) error {
			switch {
			case err != nil && e != nil && e.IsDir():
				return fs.SkipDir
			case err != nil || !e.Type().IsRegular():
				return nil
			case len(g.Files) == filesOfGroup:
				return fs.SkipAll
			}
			if info, err := e.Info(); err == nil && info.Size() > 0 {
				g.Files = append(g.Files, fileLink{name, uint64(info.Size())})
			}
			return nil
		})
		if len(g.Files) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// storyPage is the story of one message.
type storyPage struct {
	Title string
	Run   Run
	Asked string
	Story *story.Story
	Why   string // nothing is told
}

// story tells of the message that a token names, or asks for a token.
func (s *Server) story(w http.ResponseWriter, r *http.Request, one Run, d results.Dir, token string) {
	if asked := strings.TrimSpace(r.URL.Query().Get("token")); token == "" && asked != "" {
		http.Redirect(w, r, string(runLink(one.Path, "story", shortened(strings.ReplaceAll(asked, "/", " ")))), http.StatusSeeOther)
		return
	}
	p := storyPage{Title: "Story", Run: one, Asked: shortened(token)}
	code := http.StatusOK
	switch {
	case token == "":
	case one.State == Running:
		code, p.Why = http.StatusConflict, "The run goes on, and to read its history would take from what it measures. Stories are told when its verdict is there."
	default:
		told, err := s.tell(r, d, token)
		switch {
		case err == nil:
			p.Story, p.Title = &told, told.Token
		case errors.Is(err, ErrAsked):
			code, p.Why = http.StatusNotFound, err.Error()
		default:
			code, p.Why = http.StatusInternalServerError, err.Error()
		}
	}
	draw(w, code, "story.html", p)
}

// tell waits for its turn to read a history.
func (s *Server) tell(r *http.Request, d results.Dir, token string) (story.Story, error) {
	select {
	case s.telling <- struct{}{}:
		defer func() { <-s.telling }()
	case <-r.Context().Done():
		return story.Story{}, r.Context().Err()
	}
	return s.options.Auditor.Story(r.Context(), d, token)
}

// benchPage is what is shown of one benchmark.
type benchPage struct {
	Title   string
	Bench   Bench
	Report  bool
	Files   []fileGroup
	Figures []picture
	Runs    []Run // whose directories were kept
}

// bench answers for one benchmark and what is in it.
func (s *Server) bench(w http.ResponseWriter, r *http.Request) {
	at, rest, ok := s.index.split(r.PathValue("path"), aBench)
	if !ok {
		s.fail(w, http.StatusNotFound, "There is no such benchmark here", "")
		return
	}
	b, _, ok := s.index.bench(at)
	switch {
	case !ok:
		s.fail(w, http.StatusNotFound, "That benchmark's directory is gone", "")
	case rest == "" && !strings.HasSuffix(r.URL.Path, "/"):
		http.Redirect(w, r, string(benchLink(at)), http.StatusMovedPermanently)
	case rest == "":
		draw(w, http.StatusOK, "bench.html", s.newBenchPage(b))
	default:
		s.file(w, r, at, rest)
	}
}

func (s *Server) newBenchPage(b Bench) benchPage {
	p := benchPage{Title: "Benchmark " + path.Base(b.Path), Bench: b, Report: s.index.file(path.Join(b.Path, "report.html"))}
	p.Files = s.index.files(b.Path, []string{summaryFile, replicatesFile, planFile, "manifest.json", "bench.txt", "summary.md", "junit.xml"}, "plots")
	var names []string
	for _, g := range p.Files {
		for _, f := range g.Files {
			names = append(names, f.Name)
		}
	}
	p.Figures = pictures(names)
	runs := map[kind][]string{}
	if err := s.index.walk(path.Join(b.Path, "runs"), 0, runs); err == nil {
		for _, at := range runs[aRun] {
			if r, _, ok := s.index.run(at); ok {
				p.Runs = append(p.Runs, r)
			}
		}
	}
	slices.SortFunc(p.Runs, func(a, b Run) int { return b.Started.Compare(a.Started) })
	return p
}
