/**
 * The system calls of a sandbox for code that is not trusted: what container engines allow without any capability, less what such
 * code has no use for and the kernel has had its holes in. Denied with them are all calls of other architectures on this
 * machine, and every call that is newer than this list.
 *
 * Left out against the engines' list: io_uring, bpf, perf events, userfaultfd, keyrings, ptrace and the other ways into another
 * process's memory, the mount calls, new and joined namespaces, file handles, kernel modules, kexec, and sockets other than those of
 * unix, the internet and routing (AF_ALG and AF_VSOCK have had their share of holes).
 */
import type { Seccomp } from './spec.js'

const allowed = `
  accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chroot clock_getres clock_gettime
  clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
  epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate
  fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
  fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area
  getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
  getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
  getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
  io_setup io_submit ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
  lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier
  memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify
  mq_open mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap nanosleep
  newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll
  prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat
  readv recv recvfrom recvmmsg recvmsg removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction
  rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
  sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
  sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl
  semget semop semtimedop send sendfile sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address setfsgid
  setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt
  setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statx symlink
  symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
  timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat
  utimes vfork vmsplice wait4 waitid write writev`

/** Address families: socket(2). AF_UNIX, AF_INET, AF_INET6. */
const families = [1, 2, 10]
const netlink = { family: 16, route: 0 }
/** CLONE_NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWNS: clone(2). */
const newNamespaces = 0x7e02_0000
/** What puts characters into somebody's terminal as if they had typed them: ioctl_tty(2). */
const typing = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c }
/** The kernel looks at 32 bits of an ioctl's number. */
const commandBits = 0xffff_ffff
/** personality(2): the usual one, and the question which it is. */
const personalities = [0, 0xffff_ffff]
const errno = { EPERM: 1, EACCES: 13, ENOSYS: 38 }

const equal = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' }) as const
const masked = (index: number, value: number, valueTwo: number) =>
  ({ index, value, valueTwo, op: 'SCMP_CMP_MASKED_EQ' }) as const

export const strictSeccomp: Seccomp = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: errno.EPERM,
  syscalls: [
    { names: allowed.trim().split(/\s+/), action: 'SCMP_ACT_ALLOW' },
    // Its flags are in memory, where a filter can't look: C libraries then take clone(2).
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: errno.ENOSYS },
    { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [masked(0, newNamespaces, 0)] },
    ...families.map((family) => ({ names: ['socket'], action: 'SCMP_ACT_ALLOW' as const, args: [equal(0, family)] })),
    { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [equal(0, netlink.family), equal(2, netlink.route)] },
    ...personalities.map((persona) => ({
      names: ['personality'],
      action: 'SCMP_ACT_ALLOW' as const,
      args: [equal(0, persona)],
    })),
    ...Object.values(typing).map((command) => ({
      names: ['ioctl'],
      // Not the default's: a rule that says what the default says is none, and the next one would let it through.
      action: 'SCMP_ACT_ERRNO' as const,
      errnoRet: errno.EACCES,
      args: [masked(1, commandBits, command)],
    })),
    { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: [masked(1, 0, 0)] },
  ],
}
