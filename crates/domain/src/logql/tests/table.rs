//! What each example of Loki's documentation gives here: its canonical text, or why it is refused.

use super::super::parse;

type Table = [(&'static str, Result<&'static str, &'static str>)];

/// Of log queries, pipelines and structured metadata (`docs/sources/query`).
pub(super) const LOG: &Table = &[
    (
        r#"{container="query-frontend",namespace="loki-dev"} |= "metrics.go" | logfmt | duration > 10s and throughput_mb < 500"#,
        Ok(
            r#"{container="query-frontend", namespace="loki-dev"} |= "metrics.go" | logfmt | duration > 10s and throughput_mb < 500"#,
        ),
    ),
    (
        r#"{app="mysql",name="mysql-backup"}"#,
        Ok(r#"{app="mysql", name="mysql-backup"}"#),
    ),
    (r#"{name =~ "mysql.+"}"#, Ok(r#"{name=~"mysql.+"}"#)),
    (r#"{name !~ "mysql.+"}"#, Ok(r#"{name!~"mysql.+"}"#)),
    (r"{name !~ `mysql-\d+`}", Ok(r#"{name!~"mysql-\\d+"}"#)),
    (r#"{name =~ "(?s).*mysql.*"}"#, Ok(r#"{name=~"(?s).*mysql.*"}"#)),
    (
        r"{name =~ `[\S\s]*mysql[\S\s]*`}",
        Ok(r#"{name=~"[\\S\\s]*mysql[\\S\\s]*"}"#),
    ),
    (r#"{job="mysql"} |= "error""#, Ok(r#"{job="mysql"} |= "error""#)),
    (
        r#"{instance=~"kafka-[23]",name="kafka"} != "kafka.server:type=ReplicaManager""#,
        Ok(r#"{instance=~"kafka-[23]", name="kafka"} != "kafka.server:type=ReplicaManager""#),
    ),
    (
        r#"{name="kafka"} |~ "tsdb-ops.*io:2003""#,
        Ok(r#"{name="kafka"} |~ "tsdb-ops.*io:2003""#),
    ),
    (
        r#"{name="cassandra"} |~  `error=\w+`"#,
        Ok(r#"{name="cassandra"} |~ "error=\\w+""#),
    ),
    (
        r#"{job="mysql"} |= "error" != "timeout""#,
        Ok(r#"{job="mysql"} |= "error" != "timeout""#),
    ),
    (
        r#"{job="mysql"} |= "error" | json | line_format "{{.err}}""#,
        Err(
            "line 1, col 35: `| line_format` is not supported; lines come as they were sent; format them where they are shown",
        ),
    ),
    (
        r#"{job="example"} | decolorize"#,
        Ok(r#"{job="example"} | decolorize"#),
    ),
    (
        r#"{job="x"} | logfmt | duration > 1m and bytes_consumed > 20MB"#,
        Ok(r#"{job="x"} | logfmt | duration > 1m and bytes_consumed > 20000000B"#),
    ),
    (
        r#"{job="x"} | logfmt | duration >= 20ms or size == 20KB and method!~"2..""#,
        Ok(r#"{job="x"} | logfmt | duration >= 20ms or (size == 20000B and method!~"2..")"#),
    ),
    (
        r#"{job="x"} | logfmt | duration >= 20ms or size == 20KB | method!~"2..""#,
        Ok(r#"{job="x"} | logfmt | duration >= 20ms or size == 20000B | method!~"2..""#),
    ),
    (
        r#"{job="x"} | logfmt | duration >= 20ms or size == 20KB , method!~"2..""#,
        Ok(r#"{job="x"} | logfmt | duration >= 20ms or (size == 20000B and method!~"2..")"#),
    ),
    (
        r#"{job="x"} | logfmt | duration >= 20ms or size == 20KB  method!~"2..""#,
        Ok(r#"{job="x"} | logfmt | duration >= 20ms or (size == 20000B and method!~"2..")"#),
    ),
    (
        r#"{job="x"} | logfmt | duration >= 20ms or (method="GET" and size <= 20KB)"#,
        Ok(r#"{job="x"} | logfmt | duration >= 20ms or (method="GET" and size <= 20000B)"#),
    ),
    (
        r#"{job="x"} | logfmt | ((duration >= 20ms or method="GET") and size <= 20KB)"#,
        Ok(r#"{job="x"} | logfmt | (duration >= 20ms or method="GET") and size <= 20000B"#),
    ),
    (
        r#"{job="x"} | json first_server="servers[0]", ua="request.headers[\"User-Agent\"]""#,
        Ok(r#"{job="x"} | json first_server="servers[0]", ua="request.headers[\"User-Agent\"]""#),
    ),
    (
        r#"{job="x"} | json server_list="servers", headers="request.headers""#,
        Ok(r#"{job="x"} | json server_list="servers", headers="request.headers""#),
    ),
    (
        r#"{job="x"} | json servers"#,
        Ok(r#"{job="x"} | json servers="servers""#),
    ),
    (
        r#"{job="x"} | logfmt host, fwd_ip="fwd""#,
        Ok(r#"{job="x"} | logfmt host="host", fwd_ip="fwd""#),
    ),
    (
        r#"{job="x"} | logfmt --strict"#,
        Ok(r#"{job="x"} | logfmt --strict"#),
    ),
    (
        r#"{job="x"} | logfmt --strict host, fwd_ip="fwd""#,
        Ok(r#"{job="x"} | logfmt --strict host="host", fwd_ip="fwd""#),
    ),
    (
        r#"{job="x"} | logfmt --keep-empty --strict host"#,
        Ok(r#"{job="x"} | logfmt --strict --keep-empty host="host""#),
    ),
    (
        r#"{job="nginx"} | pattern `<ip> - - <_> "<method> <uri> <_>" <status> <size> <_> "<agent>" <_>`"#,
        Err("line 1, col 17: `| pattern` is not supported; use `| json`, `| logfmt` or a line filter"),
    ),
    (
        r#"{job="x"} | regexp "(?P<method>\\w+) (?P<path>[\\w|/]+) \\((?P<status>\\d+?)\\) (?P<duration>.*)""#,
        Err("line 1, col 13: `| regexp` is not supported; use `| json`, `| logfmt` or the line filter `|~`"),
    ),
    (
        r#"{job="x"} | unpack"#,
        Err("line 1, col 13: `| unpack` is not supported; use `| json`"),
    ),
    (
        r#"{container="frontend"} | logfmt | line_format "{{.query}} {{.duration}}""#,
        Err(
            "line 1, col 35: `| line_format` is not supported; lines come as they were sent; format them where they are shown",
        ),
    ),
    (
        r#"{job="x"} | label_format foo=bar | label_format foo="new""#,
        Err(
            r#"line 1, col 13: `| label_format` is not supported; name the label itself, or extract it by another name with `| json name="field"`"#,
        ),
    ),
    (
        r#"{job="varlogs"}|json|drop level, method="GET""#,
        Ok(r#"{job="varlogs"} | json | drop level, method="GET""#),
    ),
    (
        r#"{job="varlogs"}|json|drop __error__"#,
        Ok(r#"{job="varlogs"} | json | drop __error__"#),
    ),
    (
        r#"{job="varlogs"}|json|drop level, path, app=~"some-api.*""#,
        Ok(r#"{job="varlogs"} | json | drop level, path, app=~"some-api.*""#),
    ),
    (
        r#"{job="varlogs"}|json|keep level, method="GET""#,
        Ok(r#"{job="varlogs"} | json | keep level, method="GET""#),
    ),
    (
        r#"{job="varlogs"}|json|keep level, tenant, app=~"some-api.*""#,
        Ok(r#"{job="varlogs"} | json | keep level, tenant, app=~"some-api.*""#),
    ),
    (
        r#"{cluster="ops-tools1", namespace="loki-dev", job="loki-dev/query-frontend"} |= "metrics.go" != "out of order" | logfmt | duration > 30s or status_code != "200""#,
        Ok(
            r#"{cluster="ops-tools1", namespace="loki-dev", job="loki-dev/query-frontend"} |= "metrics.go" != "out of order" | logfmt | duration > 30s or status_code!="200""#,
        ),
    ),
    (
        r#"{job_name="myapp"} != ip("192.168.4.5-192.168.4.20")"#,
        Err("line 1, col 23: `ip()` is not supported; match the address with `=~` or `|~`"),
    ),
    (
        r#"{job_name="myapp"} | logfmt | addr = ip("192.168.4.5/16") | addr != ip("192.168.4.2")"#,
        Err("line 1, col 38: `ip()` is not supported; match the address with `=~` or `|~`"),
    ),
    (
        r#"{job="security"} |~ "Invalid user.*" | regexp "(^(?P<user>\\S+ {1,2}){8})" | line_format "IP = {{.ip}}\tUSER = {{.user}}""#,
        Err("line 1, col 40: `| regexp` is not supported; use `| json`, `| logfmt` or the line filter `|~`"),
    ),
    (
        r#"{service_name=`distributor`} |> `<_> caller=http.go:194 level=debug <_> msg="POST /push.v1.PusherService/Push <_>`"#,
        Err("line 1, col 30: the pattern filter `|>` is not supported; use `|~` with a regular expression"),
    ),
    (
        "{service_name=`distributor`} !> `<_> caller=http.go:194 level=debug <_>`",
        Err("line 1, col 30: the pattern filter `!>` is not supported; use `!~` with a regular expression"),
    ),
    (
        r#"{app="foo"} # anything that comes after will not be interpreted in your query"#,
        Ok(r#"{app="foo"}"#),
    ),
    (
        r#"{app="foo"}
    | json
    # this line will be ignored
    | bar="baz" # this checks if bar = "baz""#,
        Ok(r#"{app="foo"} | json | bar="baz""#),
    ),
    (
        r#"{cluster="ops-tools1",container="ingress-nginx"} | json | __error__ != "JSONParserErr""#,
        Ok(r#"{cluster="ops-tools1", container="ingress-nginx"} | json | __error__!="JSONParserErr""#),
    ),
    (
        r#"{service_name="nginx", status="500"}"#,
        Ok(r#"{service_name="nginx", status="500"}"#),
    ),
    (
        r#"{job="example"} | trace_id="0242ac120002" | user_id="superUser123""#,
        Ok(r#"{job="example"} | trace_id="0242ac120002" | user_id="superUser123""#),
    ),
    (
        r#"{app="loki"} |= "test" |= "foo" or "bar""#,
        Ok(r#"{app="loki"} |= "test" |= "foo" or "bar""#),
    ),
    (
        r#"{app="loki"} != "test" != "foo" or "bar""#,
        Ok(r#"{app="loki"} != "test" != "foo" or "bar""#),
    ),
];

/// Of metric queries, operators, functions and the HTTP API.
pub(super) const METRIC: &Table = &[
    (
        r#"count_over_time({job="mysql"}[5m])"#,
        Ok(r#"count_over_time({job="mysql"} [5m])"#),
    ),
    (
        r#"count_over_time({job="mysql"}[5m] offset 5m)"#,
        Ok(r#"count_over_time({job="mysql"} [5m] offset 5m)"#),
    ),
    (
        r#"count_over_time({job="mysql"}[5m]) offset 5m"#,
        Err(
            "line 1, col 36: `offset` stands right behind its range: `count_over_time({...} [5m] offset 1h)`",
        ),
    ),
    (
        r#"sum by (host) (rate({job="mysql"} |= "error" != "timeout" | json | duration > 10s [1m]))"#,
        Ok(r#"sum by (host) (rate({job="mysql"} |= "error" != "timeout" | json | duration > 10s [1m]))"#),
    ),
    (
        r#"sum(count_over_time({namespace="traefik"}[5m])) or vector(0)"#,
        Ok(r#"sum(count_over_time({namespace="traefik"} [5m])) or vector(0)"#),
    ),
    (
        r#"quantile_over_time(0.99, {cluster="ops-tools1",container="ingress-nginx"} | json | __error__ = "" | unwrap request_time [1m]) by (path)"#,
        Ok(
            r#"quantile_over_time(0.99, {cluster="ops-tools1", container="ingress-nginx"} | json | __error__="" | unwrap request_time [1m]) by (path)"#,
        ),
    ),
    (
        r#"sum by (org_id) (sum_over_time({cluster="ops-tools1",container="loki-dev"} |= "metrics.go" | logfmt | unwrap bytes_processed [1m]))"#,
        Ok(
            r#"sum by (org_id) (sum_over_time({cluster="ops-tools1", container="loki-dev"} |= "metrics.go" | logfmt | unwrap bytes_processed [1m]))"#,
        ),
    ),
    (
        r#"topk(10,sum(rate({region="us-east1"}[5m])) by (name))"#,
        Ok(r#"topk(10, sum by (name) (rate({region="us-east1"} [5m])))"#),
    ),
    (
        r#"sum(count_over_time({job="mysql"}[5m])) by (level)"#,
        Ok(r#"sum by (level) (count_over_time({job="mysql"} [5m]))"#),
    ),
    (
        r#"avg(rate(({job="nginx"} |= "GET" | json | path="/home")[10s])) by (region)"#,
        Ok(r#"avg by (region) (rate({job="nginx"} |= "GET" | json | path="/home" [10s]))"#),
    ),
    (
        r#"quantile_over_time(0.99, {container="ingress-nginx",service="hosted-grafana"} | json | unwrap response_latency_seconds | __error__=""[1m]) by (cluster)"#,
        Ok(
            r#"quantile_over_time(0.99, {container="ingress-nginx", service="hosted-grafana"} | json | unwrap response_latency_seconds | __error__="" [1m]) by (cluster)"#,
        ),
    ),
    (
        r#"absent_over_time({job="mysql"}[5m])"#,
        Err(
            "line 1, col 1: `absent_over_time` is not supported; use `count_over_time`, which gives nothing where there are no lines",
        ),
    ),
    (
        r#"rate_counter({job="x"} | logfmt | unwrap total [5m])"#,
        Err("line 1, col 1: `rate_counter` is not supported; use `rate` or `sum_over_time`"),
    ),
    (
        r#"approx_topk(10, sum by (x) (rate({job="x"}[5m])))"#,
        Err("line 1, col 1: `approx_topk` is not supported; use `topk`"),
    ),
    ("1 + 1", Ok("1 + 1")),
    ("1 + 2 / 3", Ok("1 + 2 / 3")),
    ("2 * 3 % 2", Ok("2 * 3 % 2")),
    ("1 >= 1", Ok("1 >= 1")),
    ("vector(1)+vector(1)", Ok("vector(1) + vector(1)")),
    (
        r#"sum(rate({app="foo"}[1m])) * 2"#,
        Ok(r#"sum(rate({app="foo"} [1m])) * 2"#),
    ),
    (
        r#"sum(rate({app="foo", level="warn"}[1m])) / sum(rate({app="foo", level="error"}[1m]))"#,
        Ok(r#"sum(rate({app="foo", level="warn"} [1m])) / sum(rate({app="foo", level="error"} [1m]))"#),
    ),
    (
        r#"rate({app=~"foo|bar"}[1m]) and rate({app="bar"}[1m])"#,
        Ok(r#"rate({app=~"foo|bar"} [1m]) and rate({app="bar"} [1m])"#),
    ),
    (
        r#"count_over_time({foo="bar"}[1m]) > 10"#,
        Ok(r#"count_over_time({foo="bar"} [1m]) > 10"#),
    ),
    (
        r#"count_over_time({foo="bar"}[1m]) > bool 10"#,
        Err("line 1, col 36: `bool` is not supported; a comparison keeps what it holds for"),
    ),
    (
        r#"sum without(app) (count_over_time({app="foo"}[1m])) > sum without(app) (count_over_time({app="bar"}[1m]))"#,
        Ok(
            r#"sum without (app) (count_over_time({app="foo"} [1m])) > sum without (app) (count_over_time({app="bar"} [1m]))"#,
        ),
    ),
    (
        r#"max by(machine) (count_over_time({app="foo"}[1m])) > bool ignoring(machine) avg(count_over_time({app="foo"}[1m]))"#,
        Err("line 1, col 54: `bool` is not supported; a comparison keeps what it holds for"),
    ),
    (
        r#"sum by(machine) (count_over_time({app="foo"}[1m])) / on() sum(count_over_time({app="foo"}[1m]))"#,
        Err("line 1, col 54: `on` is not supported; aggregate both sides to the same labels with `by (...)`"),
    ),
    (
        r#"label_replace(rate({job="api-server",service="a:c"} |= "err" [1m]), "foo", "$1", "service", "(.*):.*")"#,
        Err("line 1, col 1: `label_replace` is not supported; group by the label as it is"),
    ),
    (
        r#"sum(rate({job="varlogs"}[10m])) by (level)"#,
        Ok(r#"sum by (level) (rate({job="varlogs"} [10m]))"#),
    ),
    (
        r#"max_over_time({job="cost-calculator"} | logfmt | unwrap cost [5m]) by (user, organization)"#,
        Ok(r#"max_over_time({job="cost-calculator"} | logfmt | unwrap cost [5m]) by (user, organization)"#),
    ),
    (
        r#"sum by (level, detected_level) (count_over_time({service_name="checkout"} |= `x` | drop __error__ [5s]))"#,
        Ok(
            r#"sum by (level, detected_level) (count_over_time({service_name="checkout"} |= "x" | drop __error__ [5s]))"#,
        ),
    ),
];

/// What people write by mistake.
pub(super) const MISTAKES: &Table = &[
    (
        r#"{job="mysql"} |= "error" or {job="kafka"}"#,
        Err(
            r#"line 1, col 26: `or` joins metric queries only; use `|~ "a|b"` or `|= "a" or "b"` to search for either text"#,
        ),
    ),
    (
        r#"{job="mysql""#,
        Err("line 1, col 13: expected `,` or `}`, found the end of the query"),
    ),
    (
        "{job=mysql}",
        Err("line 1, col 6: expected a text in quotes, found `mysql`"),
    ),
    (
        r#"rate({job="mysql"})"#,
        Err("line 1, col 19: `rate` needs a range such as [5m]"),
    ),
    (
        r#"{job="mysql"} | json | status >= "500""#,
        Err(
            "line 1, col 31: `>=` compares numbers, durations and sizes; write the value without quotes, or use `=`",
        ),
    ),
    (
        r#"sum(count_over_time({job="mysql"}[1h:5m]))"#,
        Err("line 1, col 37: a subquery such as [1h:5m] is not supported; use a range such as [1h]"),
    ),
    (
        r#"count_over_time({job="mysql"} | unwrap x [5m])"#,
        Err("line 1, col 33: `count_over_time` counts lines or bytes and takes no `| unwrap`"),
    ),
    (
        r#"sum_over_time({job="mysql"}[5m])"#,
        Err("line 1, col 1: `sum_over_time` needs `| unwrap label` to say which label holds the number"),
    ),
    (
        r#"{job="mysql"} | unwrap x"#,
        Err(
            "line 1, col 15: `| unwrap` gives numbers: it needs a function around it, such as `sum_over_time(... [5m])`",
        ),
    ),
    (
        r#"{job="mysql"}[5m]"#,
        Err("line 1, col 14: a range needs a function around it, such as `count_over_time({...} [5m])`"),
    ),
];

pub(super) fn all() -> impl Iterator<Item = &'static (&'static str, Result<&'static str, &'static str>)> {
    LOG.iter().chain(METRIC).chain(MISTAKES)
}

#[test]
fn every_example_is_read_or_refused_as_written_here() {
    for (query, expected) in all() {
        let found = parse(query).map(|read| read.to_string());
        let expected = expected
            .map(str::to_owned)
            .map_err(|error| format!("parse error at {error}"));
        assert_eq!(found.map_err(|error| error.to_string()), expected, "{query}");
    }
}

#[test]
fn there_are_sixty_examples_of_the_documentation_at_least() {
    assert!(LOG.len() + METRIC.len() >= 60);
}
