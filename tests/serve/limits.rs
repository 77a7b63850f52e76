//! Quotas, disks and connections at their limits.

use std::io::{Read, Write};
use std::net::TcpStream;

use filmgate_tests::ports::free_port;
use filmgate_tests::shell::Shell;
use filmgate_tests::tools::Disk;

use super::Served;

#[test]
fn quotas_hold_to_the_byte_with_parallel_uploads() {
    let settings = "[quota]\ntask-segments = 20\ntask-bytes = 5000\n";
    let served = Served::with(settings);
    // Old segments count, and those that are replaced count once.
    served.put("t/d/old", [0; 2000]).is(201);
    served.put("t/d/old", [0; 1000]).is(200);
    let mut streams: Vec<TcpStream> = (0..24)
        .map(|n| {
            let head = format!(
                "PUT /api/v1/tasks/t/d{n}/a HTTP/1.1\r\nContent-Length: 500\r\nConnection: close"
            );
            served.begun(&head, &[1; 499])
        })
        .collect();
    // They all end in the same moment.
    streams.iter_mut().for_each(|stream| stream.write_all(&[1]).expect("sent"));
    let statuses: Vec<String> = streams
        .iter_mut()
        .map(|stream| {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("answered");
            answer[9..12].to_owned()
        })
        .collect();
    let count = |status: &str| statuses.iter().filter(|s| *s == status).count();
    assert_eq!((count("201"), count("507")), (8, 16), "{statuses:?}");
    let usage = served.get("tasks/t").is(200).json();
    let bytes = usage.as_array().expect("a list").iter().map(|d| d["bytes"].as_u64());
    assert_eq!(bytes.sum::<Option<u64>>(), Some(5000), "{usage}");
    assert!(served.partial().is_empty());
    // What is removed makes room, and no more than that.
    served.curl("-X DELETE", "tasks/t/d/old").is(204);
    served.put("t/d/b", [2; 1001]).is_problem(507, "quota", "5000 bytes");
    served.put("t/d/b", [2; 1000]).is(201);
}

#[test]
fn a_full_disk_refuses_uploads_and_loses_nothing() {
    let shell = Shell::new();
    let Some(disk) = Disk::mounted(&shell.path("root"), "6m") else { return };
    shell.write("settings.toml", "[quota]\nmin-free = 0\n");
    let options = "--jobs 1 --config settings.toml".to_owned();
    let mut served = Served { shell, port: free_port(), options, server: None };
    served.start();
    served.put("t/d/a", "as it was").is(201);
    let large = vec![7; 8 << 20];
    served.put("t/d/a", &large).is_problem(507, "full", "disk is full");
    // The same where the length is not told beforehand.
    served.shell.write("upload", &large);
    let chunked = "-T upload -H Transfer-Encoding:chunked";
    served.curl(chunked, "tasks/t/d/a").is_problem(507, "full", "disk is full");
    assert!(served.partial().is_empty(), "{:?}", served.partial());
    assert_eq!(served.get("tasks/t/d/a").is(200).body, b"as it was");

    // Nothing is left for the index either, and the server goes on.
    let ballast = disk.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).expect("made");
    while file.write_all(&[0; 512]).is_ok() {}
    drop(file);
    for n in 0..40 {
        let said = served.put(&format!("t/d/{n}"), [1; 3000]);
        assert!(said.status == 507 || said.status == 201, "{said:?}");
    }
    served.put("t/d/last", [1; 30_000]).is_problem(507, "full", "disk is full");
    served.get("tasks/t/d/a").is(200);
    std::fs::remove_file(ballast).expect("removed");
    served.put("t/d/last", [1; 30_000]).is(201);
    // What was answered with 201 is there, and nothing else.
    let listed = served.listed("t/d");
    served.end();
    served.start();
    assert_eq!(served.listed("t/d"), listed, "the index has what the files have");
    served.end();
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    // Systems start programs with few; what more the server needs it takes itself.
    setrlimit(Resource::RLIMIT_NOFILE, 600, hard).expect("permitted");
    let served = Served::new();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("permitted");
    let idle: Vec<TcpStream> =
        (0..1000).map(|_| TcpStream::connect(("127.0.0.1", served.port)).expect("taken")).collect();
    served.put("t/d/a", "x").is(201);
    let metrics = served.curl_at(&[], &format!("http://127.0.0.1:{}/metrics", served.port));
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let line = text.lines().find(|l| l.starts_with("filmgate_serve_connections ")).expect("told");
    let count: u32 = line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    assert!(count >= 1000, "{line}");
    drop(idle);
    served.put("t/d/b", "x").is(201);
}
