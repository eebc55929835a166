package kafka

import "path/filepath"

// Brokers log to standard output, warnings and worse. Which library writes depends on the jars: slf4j-simple with those
// that Provision fetches; with a distribution, reload4j in 3.x and log4j in 4.x. Each is told the same.
const (
	reload4j = `log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m (%c)%n
`
	log4j = `status = error
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = stdout
`
)

func (s server) reload4jFile() string { return filepath.Join(s.dir, "reload4j.properties") }
func (s server) log4jFile() string    { return filepath.Join(s.dir, "log4j.properties") }

func (s server) logging() []string {
	return []string{
		"-Dlog4j.configuration=file:" + s.reload4jFile(),
		"-Dlog4j2.configurationFile=file:" + s.log4jFile(), // log4j looks no further, so not at the other one
		"-Dorg.slf4j.simpleLogger.logFile=System.out",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
	}
}
