//! seccomp: which system calls there still are. Several filters, of which the strictest answer counts
//! and, among refusals, that of the last one (seccomp(2)): what a filter does not name, others decide.

use std::collections::BTreeMap;

use nix::libc::{self, c_long};
use seccompiler::SeccompAction::{Allow, Errno, KillProcess};
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::profile::{Error, Network, Profile};

/// An empty list of rules stands for any arguments.
type Calls = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls with a number of their own in the x32 interface, which the same check of the architecture
/// lets pass: this bit is set in all of them, and those from 512 have no other number.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;
/// execve, ptrace, kexec_load, process_vm_readv, process_vm_writev, execveat (syscall_64.tbl).
#[cfg(target_arch = "x86_64")]
const FATAL_X32: [i64; 6] = [520, 521, 528, 539, 540, 545];

/// fcntl(2); not in `libc` for every target.
const F_SETOWN_EX: i32 = 15;

/// Installs the filters in all threads.
pub(super) fn install(profile: &Profile) -> Result<(), Error> {
    // glibc falls back to `clone`, whose flags can be checked; io_uring would do path calls unseen.
    let unknown = [
        libc::SYS_clone3,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
    ];
    apply(&calls(&unknown), Errno(libc::ENOSYS as u32))?;
    if profile.is_without_paths() {
        // Rust asks `statx` of a descriptor, and takes `fstat` where there is none.
        apply(&calls(&[libc::SYS_statx]), Errno(libc::ENOSYS as u32))?;
        apply(&path_calls(), Errno(libc::EACCES as u32))?;
    }
    if matches!(profile.network, Network::Connect(_) | Network::Any) {
        // Unix sockets would reach the daemons of this machine.
        let other = [libc::AF_INET, libc::AF_INET6].map(|domain| is(0, Dword, Ne, domain as u64));
        let only = Calls::from([(libc::SYS_socket, vec![rule(other.into())])]);
        apply(&only, Errno(libc::EACCES as u32))?;
    }
    apply(&shared_calls(), Errno(libc::EACCES as u32))?;
    apply(&fatal_calls(profile), KillProcess)?;
    // The last one, as it takes away what installs filters.
    apply(&own_calls(profile), Errno(libc::EPERM as u32))
}

fn apply(calls: &Calls, answer: SeccompAction) -> Result<(), Error> {
    let failed = |e: String| Error::Kernel(format!("seccomp: {e}"));
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| failed(e.to_string()))?;
    let filter = SeccompFilter::new(calls.clone(), Allow, answer, target);
    let filter = filter.map_err(|e| failed(e.to_string()))?;
    let program: seccompiler::BpfProgram =
        filter.try_into().map_err(|e: seccompiler::BackendError| failed(e.to_string()))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|e| failed(e.to_string()))
}

fn calls(numbers: &[c_long]) -> Calls {
    numbers.iter().map(|&number| (number, Vec::new())).collect()
}

fn is(argument: u8, length: SeccompCmpArgLen, how: SeccompCmpOp, value: u64) -> SeccompCondition {
    SeccompCondition::new(argument, length, how, value).expect("arguments have the numbers 0 to 5")
}

/// All conditions together.
fn rule(conditions: Vec<SeccompCondition>) -> SeccompRule {
    SeccompRule::new(conditions).expect("a rule has conditions")
}

/// Calls that reach a file by its path.
fn path_calls() -> Calls {
    let mut all = calls(&[
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_unlinkat,
        libc::SYS_renameat2,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_mkdirat,
        libc::SYS_mknodat,
        libc::SYS_fchmodat,
        // fchmodat2, of Linux 6.6
        452,
        libc::SYS_fchownat,
        libc::SYS_utimensat,
        libc::SYS_truncate,
        libc::SYS_statfs,
        libc::SYS_chdir,
        libc::SYS_fchdir,
        libc::SYS_getcwd,
        libc::SYS_chroot,
        libc::SYS_getxattr,
        libc::SYS_lgetxattr,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_listxattr,
        libc::SYS_llistxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_inotify_add_watch,
        libc::SYS_fanotify_mark,
        // setxattrat, getxattrat, listxattrat, removexattrat, of Linux 6.13
        463,
        464,
        465,
        466,
        libc::SYS_getdents64,
    ]);
    #[cfg(target_arch = "x86_64")]
    all.extend(calls(&[
        libc::SYS_open,
        libc::SYS_creat,
        libc::SYS_stat,
        libc::SYS_lstat,
        libc::SYS_access,
        libc::SYS_readlink,
        libc::SYS_unlink,
        libc::SYS_rmdir,
        libc::SYS_rename,
        libc::SYS_renameat,
        libc::SYS_link,
        libc::SYS_symlink,
        libc::SYS_mkdir,
        libc::SYS_mknod,
        libc::SYS_chmod,
        libc::SYS_chown,
        libc::SYS_lchown,
        libc::SYS_utime,
        libc::SYS_utimes,
        libc::SYS_futimesat,
        libc::SYS_getdents,
    ]));
    #[cfg(target_arch = "aarch64")]
    all.extend(calls(&[libc::SYS_renameat]));
    // glibc before 2.39 makes `fstat` of it, with this flag. A filter cannot see that the path is
    // empty: so size and times of a file can still be asked for by path.
    let empty = libc::AT_EMPTY_PATH as u64;
    let by_path = rule(vec![is(3, Dword, MaskedEq(empty), 0)]);
    all.insert(libc::SYS_newfstatat, vec![by_path]);
    all
}

/// Memory, queues and semaphores that processes of one user share by name or number.
fn shared_calls() -> Calls {
    calls(&[
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_shmctl,
        libc::SYS_semget,
        libc::SYS_semctl,
        libc::SYS_semop,
        libc::SYS_semtimedop,
        libc::SYS_msgget,
        libc::SYS_msgsnd,
        libc::SYS_msgrcv,
        libc::SYS_msgctl,
        libc::SYS_mq_open,
        libc::SYS_mq_unlink,
    ])
}

/// Calls that no media job makes, and that a program which was taken over would.
fn fatal_calls(profile: &Profile) -> Calls {
    let mut all = calls(&[
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_process_madvise,
        libc::SYS_move_pages,
        libc::SYS_migrate_pages,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_open_tree,
        libc::SYS_move_mount,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_userfaultfd,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_syslog,
        libc::SYS_vhangup,
        libc::SYS_setuid,
        libc::SYS_setgid,
        libc::SYS_setresuid,
        libc::SYS_setresgid,
        libc::SYS_setreuid,
        libc::SYS_setregid,
        libc::SYS_setgroups,
        libc::SYS_capset,
    ]);
    if profile.network == Network::None {
        let sockets = [
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_listen,
            libc::SYS_accept,
            libc::SYS_accept4,
        ];
        all.extend(calls(&sockets));
    }
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(calls(&[libc::SYS_fork, libc::SYS_vfork, libc::SYS_iopl, libc::SYS_ioperm]));
        let x32: Vec<i64> = all.keys().copied().chain(FATAL_X32).map(|n| n | X32).collect();
        all.extend(calls(&x32));
        // The paths of the other interface as well, since only the first filter answers them mildly.
        all.extend(path_calls().into_keys().map(|number| (number | X32, Vec::new())));
        let unchecked = [libc::SYS_clone, libc::SYS_clone3, libc::SYS_io_uring_setup];
        all.extend(unchecked.map(|number| (number | X32, Vec::new())));
    }
    // A thread shares all with its process, and starts no name space.
    let thread = libc::CLONE_THREAD as u64;
    let spaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
    ];
    let mut process = vec![rule(vec![is(0, Qword, MaskedEq(thread), 0)])];
    process.extend(spaces.map(|space| {
        let space = space as u64;
        rule(vec![is(0, Qword, MaskedEq(space), space)])
    }));
    all.insert(libc::SYS_clone, process);
    all
}

/// Calls that may be made for this process alone, or only to ask.
fn own_calls(profile: &Profile) -> Calls {
    let mut all = calls(&[
        libc::SYS_setrlimit,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_send_signal,
        libc::SYS_seccomp,
    ]);
    let own = u64::from(std::process::id());
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        all.insert(call, vec![rule(vec![is(0, Dword, Ne, own)])]);
    }
    all.insert(libc::SYS_prlimit64, vec![rule(vec![is(2, Qword, Ne, 0)])]);
    let asks = [
        libc::PR_SET_NAME,
        libc::PR_GET_NAME,
        libc::PR_GET_DUMPABLE,
        libc::PR_GET_SECCOMP,
        libc::PR_GET_NO_NEW_PRIVS,
        libc::PR_CAPBSET_READ,
        libc::PR_SET_VMA,
    ];
    let other = asks.map(|ask| is(0, Dword, Ne, ask as u64));
    all.insert(libc::SYS_prctl, vec![rule(other.into())]);
    // Both let a descriptor send signals to another process.
    let owner = [libc::F_SETOWN, F_SETOWN_EX].map(|ask| rule(vec![is(1, Dword, Eq, ask as u64)]));
    all.insert(libc::SYS_fcntl, owner.into());
    // Typing into the terminal for the user.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX];
    let typing = typing.map(|request| rule(vec![is(1, Dword, Eq, request)]));
    all.insert(libc::SYS_ioctl, typing.into());
    if profile.is_without_paths() && !profile.devices {
        let harmless = [libc::TCGETS, libc::TIOCGWINSZ, libc::FIONREAD, libc::FIONBIO];
        let other = harmless.map(|request| is(1, Dword, Ne, request));
        all.insert(libc::SYS_ioctl, vec![rule(other.into())]);
    }
    all
}
