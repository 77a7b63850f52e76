//! What a program that was taken over would try: system calls, with the answer that each has to get
//! where the process is locked in. Each attempt is a process of its own.
#![allow(dead_code, unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use filmgate_sandbox::support;
use nix::libc::*;

/// How the kernel answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Fails(i32),
    Killed,
    Works,
}
pub(crate) use Answer::{Fails, Killed, Works};

/// Makes one call, and returns what it returned.
pub(crate) type Attempt = (&'static str, Answer, fn(&Files) -> c_long);

/// Paths that attempts name.
pub(crate) struct Files {
    pub(crate) secret: CString,
    pub(crate) new: CString,
    pub(crate) folder: CString,
    pub(crate) allowed: CString,
    pub(crate) allowed_new: CString,
    pub(crate) beside: CString,
    pub(crate) beside_input: CString,
}

impl Files {
    fn new(folder: PathBuf) -> Files {
        let path = |name: &str| {
            CString::new(folder.join(name).into_os_string().into_encoded_bytes())
                .expect("no zero in it")
        };
        Files {
            secret: path("secret/key"),
            new: path("secret/new"),
            folder: path("secret"),
            allowed: path("allowed/in"),
            allowed_new: path("out/new"),
            beside: path("out/another"),
            beside_input: path("allowed/another"),
        }
    }
}

pub(crate) fn call(number: c_long, arguments: &[usize]) -> c_long {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    // SAFETY: pointers among the arguments are of strings and structures that outlive the call.
    unsafe { syscall(number, all[0], all[1], all[2], all[3], all[4], all[5]) }
}

pub(crate) fn at(text: &CStr) -> usize {
    text.as_ptr() as usize
}

pub(crate) const HERE: usize = AT_FDCWD as usize;

pub(crate) fn open(path: &CStr, flags: i32) -> c_long {
    call(SYS_openat, &[HERE, at(path), flags as usize, 0o600])
}

pub(crate) fn socket(domain: i32, kind: i32) -> c_long {
    call(SYS_socket, &[domain as usize, kind as usize, 0])
}

fn parent() -> usize {
    std::os::unix::process::parent_id() as usize
}

fn own() -> usize {
    std::process::id() as usize
}

fn fatal(number: c_long) -> c_long {
    call(number, &[0; 6])
}

/// `struct sockaddr_in` of 127.0.0.1 and a port that nobody listens on.
pub(crate) fn connect(port: u16) -> c_long {
    let socket = socket(AF_INET, SOCK_STREAM);
    let [high, low] = port.to_be_bytes();
    let address = [2, 0, high, low, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0_u8];
    call(SYS_connect, &[socket as usize, address.as_ptr() as usize, address.len()])
}

/// Without any path.
pub(crate) const WORKER: &[Attempt] = &[
    ("read", Fails(EACCES), |f| open(&f.secret, O_RDONLY)),
    ("write", Fails(EACCES), |f| open(&f.secret, O_WRONLY)),
    ("create", Fails(EACCES), |f| open(&f.new, O_CREAT | O_WRONLY)),
    ("folder", Fails(EACCES), |f| open(&f.folder, O_DIRECTORY)),
    ("unnamed", Fails(EACCES), |f| open(&f.folder, O_TMPFILE | O_WRONLY)),
    ("openat2", Fails(EACCES), |f| call(SYS_openat2, &[HERE, at(&f.secret), 0, 24])),
    ("stat", Fails(EACCES), |f| {
        let mut facts = [0_u64; 32];
        call(SYS_newfstatat, &[HERE, at(&f.secret), facts.as_mut_ptr() as usize, 0])
    }),
    ("statx", Fails(ENOSYS), |f| call(SYS_statx, &[HERE, at(&f.secret), 0, 0, 0])),
    ("access", Fails(EACCES), |f| call(SYS_faccessat, &[HERE, at(&f.secret), 0])),
    ("readlink", Fails(EACCES), |f| call(SYS_readlinkat, &[HERE, at(&f.secret), 0, 0])),
    ("rename", Fails(EACCES), |f| call(SYS_renameat2, &[HERE, at(&f.secret), HERE, at(&f.new), 0])),
    ("unlink", Fails(EACCES), |f| call(SYS_unlinkat, &[HERE, at(&f.secret), 0])),
    ("link", Fails(EACCES), |f| call(SYS_linkat, &[HERE, at(&f.secret), HERE, at(&f.new), 0])),
    ("symlink", Fails(EACCES), |f| call(SYS_symlinkat, &[at(&f.secret), HERE, at(&f.new)])),
    ("mkdir", Fails(EACCES), |f| call(SYS_mkdirat, &[HERE, at(&f.new), 0o700])),
    ("mknod", Fails(EACCES), |f| call(SYS_mknodat, &[HERE, at(&f.new), 0o600])),
    ("chmod", Fails(EACCES), |f| call(SYS_fchmodat, &[HERE, at(&f.secret), 0o777])),
    ("chown", Fails(EACCES), |f| call(SYS_fchownat, &[HERE, at(&f.secret), 0, 0, 0])),
    ("truncate", Fails(EACCES), |f| call(SYS_truncate, &[at(&f.secret), 0])),
    ("chdir", Fails(EACCES), |f| call(SYS_chdir, &[at(&f.folder)])),
    ("own memory", Fails(EACCES), |_| open(c"/proc/self/mem", O_RDWR)),
    ("parent's files", Fails(EACCES), |_| open(c"/proc/1/environ", O_RDONLY)),
    ("watch a folder", Fails(EACCES), |f| {
        call(SYS_inotify_add_watch, &[0, at(&f.folder), IN_CREATE as usize])
    }),
    ("inet", Killed, |_| socket(AF_INET, SOCK_STREAM)),
    ("inet6", Killed, |_| socket(AF_INET6, SOCK_DGRAM)),
    ("unix", Killed, |_| socket(AF_UNIX, SOCK_STREAM)),
    ("netlink", Killed, |_| socket(AF_NETLINK, SOCK_RAW)),
    ("connect", Killed, |_| fatal(SYS_connect)),
    ("bind", Killed, |_| fatal(SYS_bind)),
    ("listen", Killed, |_| fatal(SYS_listen)),
    ("accept", Killed, |_| fatal(SYS_accept4)),
    ("named queue", Fails(EACCES), |_| call(SYS_mq_open, &[at(c"queue"), 0])),
    ("shared memory", Fails(EACCES), |_| call(SYS_shmget, &[0, 4096, 0o1600])),
    ("another's limit", Fails(EPERM), |_| {
        let limit = [RLIM_INFINITY; 2];
        call(SYS_prlimit64, &[0, RLIMIT_NOFILE as usize, limit.as_ptr() as usize, 0])
    }),
    ("a device's request", Fails(EPERM), |_| call(SYS_ioctl, &[1, FICLONE as usize, 0])),
    ("print", Works, |_| call(SYS_write, &[1, at(c"\n"), 1])),
    ("own size", Works, |_| {
        let mut facts = [0_u64; 32];
        call(SYS_fstat, &[1, facts.as_mut_ptr() as usize])
    }),
    ("memory", Works, |_| {
        let (all, private) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        let page = call(SYS_mmap, &[0, 4096, all as usize, private as usize, usize::MAX, 0]);
        // Of wasmtime.
        call(SYS_mprotect, &[page as usize, 4096, (PROT_READ | PROT_EXEC) as usize])
    }),
];

/// In every profile.
pub(crate) const ALL: &[Attempt] = &[
    ("execve", Killed, |_| call(SYS_execve, &[at(c"/bin/true"), 0, 0])),
    ("fexecve", Killed, |_| {
        let file = call(SYS_memfd_create, &[at(c"program"), 0]);
        call(SYS_execveat, &[file as usize, at(c""), 0, 0, AT_EMPTY_PATH as usize])
    }),
    #[cfg(target_arch = "x86_64")]
    ("fork", Killed, |_| fatal(SYS_fork)),
    #[cfg(target_arch = "x86_64")]
    ("vfork", Killed, |_| fatal(SYS_vfork)),
    #[cfg(target_arch = "x86_64")]
    ("execve of x32", Killed, |_| fatal(520 | 0x4000_0000)),
    ("clone", Killed, |_| call(SYS_clone, &[SIGCHLD as usize])),
    ("clone into a space", Killed, |_| {
        call(SYS_clone, &[(CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_NEWNS) as usize])
    }),
    ("clone3", Fails(ENOSYS), |_| fatal(SYS_clone3)),
    ("thread", Works, |_| i64::from(std::thread::spawn(|| ()).join().is_err())),
    ("signal the parent", Fails(EPERM), |_| call(SYS_kill, &[parent(), 0])),
    ("signal all", Fails(EPERM), |_| call(SYS_kill, &[usize::MAX, 0])),
    ("signal the parent's thread", Fails(EPERM), |_| call(SYS_tgkill, &[parent(), parent(), 0])),
    ("signal by number", Fails(EPERM), |_| call(SYS_tkill, &[parent(), 0])),
    ("signal itself", Works, |_| call(SYS_kill, &[own(), 0])),
    ("signal by descriptor", Fails(EPERM), |_| call(SYS_fcntl, &[1, F_SETOWN as usize, parent()])),
    ("trace the parent", Killed, |_| call(SYS_ptrace, &[PTRACE_ATTACH as usize, parent(), 0, 0])),
    ("be traced", Killed, |_| call(SYS_ptrace, &[PTRACE_TRACEME as usize, 0, 0, 0])),
    ("read memory", Killed, |_| call(SYS_process_vm_readv, &[parent()])),
    ("write memory", Killed, |_| call(SYS_process_vm_writev, &[parent()])),
    ("take a descriptor", Killed, |_| fatal(SYS_pidfd_getfd)),
    ("mount", Killed, |_| fatal(SYS_mount)),
    ("open_tree", Killed, |_| fatal(SYS_open_tree)),
    ("unshare", Killed, |_| call(SYS_unshare, &[CLONE_NEWUSER as usize])),
    ("setns", Killed, |_| fatal(SYS_setns)),
    ("pivot_root", Killed, |_| fatal(SYS_pivot_root)),
    ("bpf", Killed, |_| fatal(SYS_bpf)),
    ("perf_event_open", Killed, |_| fatal(SYS_perf_event_open)),
    ("io_uring_setup", Fails(ENOSYS), |_| fatal(SYS_io_uring_setup)),
    ("keyctl", Killed, |_| fatal(SYS_keyctl)),
    ("userfaultfd", Killed, |_| fatal(SYS_userfaultfd)),
    ("kexec_load", Killed, |_| fatal(SYS_kexec_load)),
    ("init_module", Killed, |_| fatal(SYS_init_module)),
    ("setuid", Killed, |_| fatal(SYS_setuid)),
    ("type for the user", Fails(EPERM), |_| call(SYS_ioctl, &[0, TIOCSTI as usize, at(c"x")])),
    ("stop being governed", Fails(EPERM), |_| call(SYS_prctl, &[PR_SET_DUMPABLE as usize, 1])),
    ("another filter", Fails(EPERM), |_| fatal(SYS_seccomp)),
    ("limits upwards", Fails(EPERM), |_| {
        let limit = [0_u64; 2];
        call(SYS_prlimit64, &[0, RLIMIT_CORE as usize, limit.as_ptr() as usize, 0])
    }),
];

/// Beside an output that has a name of its own: nothing there is within reach.
pub(crate) const OUTPUT: &[Attempt] = &[
    ("read beside the output", Fails(EACCES), |f| open(&f.beside, O_RDONLY)),
    ("write beside the output", Fails(EACCES), |f| open(&f.beside, O_WRONLY)),
    ("create beside the output", Fails(EACCES), |f| open(&f.allowed_new, O_CREAT | O_WRONLY)),
    ("remove beside the output", Fails(EACCES), |f| call(SYS_unlinkat, &[HERE, at(&f.beside), 0])),
    ("rename beside the output", Fails(EACCES), |f| {
        call(SYS_renameat2, &[HERE, at(&f.beside), HERE, at(&f.allowed_new), 0])
    }),
];

/// A folder whose files are named only while the job runs.
pub(crate) const FILLED: &[Attempt] = &[
    ("create in the output", Works, |f| open(&f.allowed_new, O_CREAT | O_WRONLY)),
    ("move out of the output", Fails(EACCES), |f| {
        call(SYS_renameat2, &[HERE, at(&f.beside), HERE, at(&f.new), 0])
    }),
];

/// Beside an input that is a file.
pub(crate) const INPUT: &[Attempt] =
    &[("read beside the input", Fails(EACCES), |f| open(&f.beside_input, O_RDONLY))];

/// What is read may be read, and nothing else may be.
pub(crate) const READING: &[Attempt] = &[
    ("read what is allowed", Works, |f| open(&f.allowed, O_RDONLY)),
    ("write what is read", Fails(EACCES), |f| open(&f.allowed, O_WRONLY)),
    ("remove what is read", Fails(EACCES), |f| call(SYS_unlinkat, &[HERE, at(&f.allowed), 0])),
    ("read another", Fails(EACCES), |f| open(&f.secret, O_RDONLY)),
    ("list another", Fails(EACCES), |f| open(&f.folder, O_DIRECTORY)),
    ("create elsewhere", Fails(EACCES), |f| open(&f.new, O_CREAT | O_WRONLY)),
    ("own memory", Fails(EACCES), |_| open(c"/proc/self/mem", O_RDWR)),
    ("the parent's memory", Fails(EACCES), |_| {
        let path = CString::new(format!("/proc/{}/mem", parent())).expect("no zero in it");
        open(&path, O_RDWR)
    }),
];

/// Without the network.
pub(crate) const ALONE: &[Attempt] = &[
    ("inet", Killed, |_| socket(AF_INET, SOCK_STREAM)),
    ("unix", Killed, |_| socket(AF_UNIX, SOCK_STREAM)),
    ("connect", Killed, |_| fatal(SYS_connect)),
];

/// With any use of the network.
pub(crate) const ONLINE: &[Attempt] = &[
    ("a server", Fails(ECONNREFUSED), |_| connect(1)),
    ("unix", Fails(EACCES), |_| socket(AF_UNIX, SOCK_STREAM)),
    ("netlink", Fails(EACCES), |_| socket(AF_NETLINK, SOCK_RAW)),
];

/// With a folder to read and one to write, and without the network or with one port.
pub(crate) const PATHS: &[Attempt] = &[
    ("read what is allowed", Works, |f| open(&f.allowed, O_RDONLY)),
    ("write what is read", Fails(EACCES), |f| open(&f.allowed, O_WRONLY)),
    ("remove what is read", Fails(EACCES), |f| call(SYS_unlinkat, &[HERE, at(&f.allowed), 0])),
    ("create", Works, |f| open(&f.allowed_new, O_CREAT | O_EXCL | O_WRONLY)),
    ("read another", Fails(EACCES), |f| open(&f.secret, O_RDONLY)),
    ("list another", Fails(EACCES), |f| open(&f.folder, O_DIRECTORY)),
    ("create elsewhere", Fails(EACCES), |f| open(&f.new, O_CREAT | O_WRONLY)),
    ("own memory", Fails(EACCES), |_| open(c"/proc/self/mem", O_RDWR)),
    ("socket", Killed, |_| socket(AF_INET, SOCK_STREAM)),
];
pub(crate) const PORT: &[Attempt] = &[
    ("the port", Fails(ECONNREFUSED), |_| connect(1)),
    ("another port", Fails(EACCES), |_| connect(2)),
    ("unix", Fails(EACCES), |_| socket(AF_UNIX, SOCK_STREAM)),
    ("netlink", Fails(EACCES), |_| socket(AF_NETLINK, SOCK_RAW)),
];

/// A sandbox: its name, how it is entered for a folder, and the attempts that are made in it.
pub(crate) type Group<'a> = (&'a str, fn(&Path), Vec<&'static [Attempt]>);

/// Of the child: what it says is the number of the error, or 0.
fn attempt(groups: &[Group<'_>], group: &str, name: &str, folder: PathBuf) {
    let (_, enter, lists) = groups.iter().find(|g| g.0 == group).expect("a group");
    let mut all = lists.iter().copied().flatten();
    let (.., attempt) = all.find(|a| a.0 == name).expect("an attempt");
    enter(&folder);
    let returned = attempt(&Files::new(folder));
    let error = std::io::Error::last_os_error().raw_os_error().unwrap_or_default();
    println!("{}", if returned < 0 { error } else { 0 });
}

/// The test: this program again for each attempt of each group.
pub(crate) fn main(groups: &[Group<'_>]) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, group, name, folder] = arguments.as_slice()
        && flag == "--attempt"
    {
        return attempt(groups, group, name, folder.into());
    }
    if !support().is_whole() {
        println!("skipped: this kernel offers {:?}", support());
        return;
    }
    let folder = std::env::temp_dir().join(format!("filmgate-locked-{}", own()));
    for inside in ["secret", "allowed", "out"] {
        std::fs::create_dir_all(folder.join(inside)).expect("a folder");
    }
    std::fs::write(folder.join("secret/key"), "secret").expect("a file");
    std::fs::write(folder.join("allowed/in"), "media").expect("a file");
    std::fs::write(folder.join("out/another"), "precious").expect("a file");
    std::fs::write(folder.join("allowed/another"), "precious").expect("a file");
    let mut wrong = Vec::new();
    let mut count = 0;
    for (group, _, lists) in groups {
        for (name, expected, _) in lists.iter().copied().flatten() {
            let mut child = Command::new(std::env::current_exe().expect("this program"));
            let child = child.args(["--attempt", group, name]).arg(&folder);
            let output = child.output().expect("a child");
            let said = String::from_utf8_lossy(&output.stdout);
            let answer = match (output.status.signal(), said.trim().parse()) {
                (Some(SIGSYS), _) => Some(Killed),
                (None, Ok(0)) => Some(Works),
                (None, Ok(error)) => Some(Fails(error)),
                _ => None,
            };
            count += 1;
            if answer != Some(*expected) {
                let error = String::from_utf8_lossy(&output.stderr);
                wrong.push(format!("{group}, {name}: {answer:?}, not {expected:?} {error}"));
            }
        }
    }
    // Helpers of processes that were killed may still be at work in there.
    for _ in 0..100 {
        if std::fs::remove_dir_all(&folder).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(!folder.exists(), "the folder goes");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{count} attempts were answered as they should be");
}
