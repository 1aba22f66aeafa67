import { Buffer } from "node:buffer";
import { type FilterArch, SYSCALLS, type SyscallTable } from "./syscalls.ts";

/**
 * An assembler for seccomp filters: programs of classic BPF that the kernel runs before each system call. A program
 * is a list of blocks. Each block finds the call's number in the accumulator and leaves it there, and jumps only inside
 * itself, so blocks can be put in any order.
 */

/** One instruction: code, how many to skip when true and when false, operand. */
export type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number];

/**
 * Four words that `execve` must carry in the two arguments that it does not use. The new program's memory and registers
 * hold nothing of the old one's, so whoever was started with a key does not know it: one start, no more.
 */
export type ExecKey = readonly [number, number, number, number];

/** What a filter forbids besides what is never allowed. */
export interface FilterRules {
  /** No new process. Threads stay possible. */
  readonly fork: boolean;
  /**
   * No other program in this process, or only by who knows the key. bwrap itself must still start Python, so only an
   * inner filter can have it.
   */
  readonly exec: boolean | ExecKey;
  /**
   * `all`: none at all. `local`: none but those of the internet protocols; unix sockets reach services of the host
   * through any readable folder. `none`: nothing is forbidden, for the bootstrap while it starts a relay.
   */
  readonly sockets: "none" | "local" | "all";
  /** Nothing that reaches other processes of the same user: needed where there is no namespace of processes. */
  readonly outsiders: boolean;
}

const LOAD = 0x20, EQUAL = 0x15, AT_LEAST = 0x35, ANY_BIT = 0x45, RETURN = 0x06;
/** Offsets into `struct seccomp_data`. */
const NUMBER_AT = 0, ARCH_AT = 4, ARGUMENTS_AT = 16;
const ALLOW = 0x7fff0000, KILL_PROCESS = 0x80000000;
const EPERM = 1, EACCES = 13, ENOSYS = 38;
const X32_BIT = 0x40000000;
const CLONE_THREAD = 0x00010000;
const AF_INET = 2, AF_INET6 = 10;
const TIOCSTI = 0x5412, TIOCLINUX = 0x541c;
const PR_SET_PDEATHSIG = 1, PR_SET_DUMPABLE = 4;

/**
 * Never needed by a skill, and each a way to the kernel, to other processes, or (the last line) to memory that no
 * limit counts and that outlives the program.
 */
const NEVER = words(`
  ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd
  io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd
  keyctl add_key request_key unshare setns mount umount2 pivot_root chroot
  open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr
  name_to_handle_at open_by_handle_at fanotify_init quotactl quotactl_fd lookup_dcookie
  init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff
  settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname syslog acct
  iopl ioperm modify_ldt uselib personality
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler ioprio_set
  shmget shmat shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink
`);

/** Ways to other processes of the same user. */
const OUTSIDERS = words(`
  kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal
  setpriority inotify_add_watch
`);

/** Owner, mode, times and attributes: Landlock lets a program change them on every file that its user owns. */
const METADATA = words(`
  chmod fchmod fchmodat fchmodat2 utime utimes futimesat utimensat
  chown fchown lchown fchownat file_setattr
  setxattr lsetxattr fsetxattr setxattrat
  removexattr lremovexattr fremovexattr removexattrat
`);

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

/** The bytes of a filter, as the kernel and `bwrap --seccomp` take them. */
export function buildFilter(rules: FilterRules, arch: FilterArch): Uint8Array {
  const table = SYSCALLS[arch];
  const deny = (names: readonly string[], answer = EPERM) =>
    names.flatMap((name) => block(table, name, [error(answer)]));
  const program: Instruction[] = [
    ...load(ARCH_AT),
    [EQUAL, 1, 0, table.audit],
    [RETURN, 0, 0, KILL_PROCESS], // calls of another architecture have other numbers
    ...load(NUMBER_AT),
    ...(arch === "x64" ? [[AT_LEAST, 0, 1, X32_BIT], [RETURN, 0, 0, KILL_PROCESS]] as const : []),
    ...deny(NEVER),
    ...(rules.fork ? denyFork(table) : []),
    ...denyExec(table, rules.exec),
    ...denySockets(table, rules.sockets),
    ...block(table, "ioctl", whenEqual(1, [TIOCSTI, TIOCLINUX])),
    // With the one a program could outlive its host, with the other hide from it what it uses. A relay may hide.
    ...block(
      table,
      "prctl",
      whenEqual(0, [PR_SET_PDEATHSIG, ...(rules.sockets === "none" ? [] : [PR_SET_DUMPABLE])]),
    ),
    ...(rules.outsiders ? denyOutsiders(table) : []),
    [RETURN, 0, 0, ALLOW],
  ];
  return assemble(program);
}

function denyFork(table: SyscallTable): Instruction[] {
  return [
    ...block(table, "fork", [error(EPERM)]),
    ...block(table, "vfork", [error(EPERM)]),
    // Its flags are behind a pointer. libc takes "no such call" as a reason to use clone.
    ...block(table, "clone3", [error(ENOSYS)]),
    ...block(table, "clone", [...load(argument(0)), [ANY_BIT, 1, 0, CLONE_THREAD], error(EPERM)]),
  ];
}

function denyExec(table: SyscallTable, rule: boolean | ExecKey): Instruction[] {
  if (rule === false) return [];
  const key = rule === true ? [] : rule;
  const compared = key.flatMap((word, index): Instruction[] => [
    ...load(argument(3) + index * 4),
    [EQUAL, 1, 0, word],
    error(EPERM),
  ]);
  return [
    ...block(table, "execve", rule === true ? [error(EPERM)] : compared),
    ...block(table, "execveat", [error(EPERM)]),
  ];
}

function denySockets(table: SyscallTable, sockets: FilterRules["sockets"]): Instruction[] {
  if (sockets === "none") return [];
  const families: Instruction[] = [...load(argument(0)), [EQUAL, 2, 0, AF_INET], [EQUAL, 1, 0, AF_INET6]];
  return block(table, "socket", [...(sockets === "local" ? families : []), error(EACCES)]);
}

function denyOutsiders(table: SyscallTable): Instruction[] {
  return [
    ...OUTSIDERS.flatMap((name) => block(table, name, [error(EPERM)])),
    // Limits of another process; 0 is the own one.
    ...block(table, "prlimit64", [...load(argument(0)), [EQUAL, 1, 0, 0], error(EPERM)]),
    // Error 0: the call seems to succeed and does nothing. `shutil.copy` calls chmod and would fail otherwise.
    ...METADATA.flatMap((name) => block(table, name, [error(0)])),
  ];
}

/** `body` for one call, skipped for all others; after it the accumulator holds the number again. */
function block(table: SyscallTable, name: string, body: readonly Instruction[]): Instruction[] {
  const number = table.calls[name];
  if (number === undefined) return [];
  const whole = [...body, ...load(NUMBER_AT)];
  return [[EQUAL, 0, whole.length, number], ...whole];
}

/** Refuses when an argument is one of `values`. */
function whenEqual(index: number, values: readonly number[]): Instruction[] {
  return [
    ...load(argument(index)),
    ...values.flatMap((value): Instruction[] => [[EQUAL, 0, 1, value], error(EPERM)]),
  ];
}

function load(offset: number): Instruction[] {
  return [[LOAD, 0, 0, offset]];
}

/** The low half of an argument: the kernel takes those compared here as 32 bits. */
function argument(index: number): number {
  return ARGUMENTS_AT + index * 8;
}

function error(number: number): Instruction {
  return [RETURN, 0, 0, 0x00050000 | number];
}

function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, whenTrue, whenFalse, operand], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand, index * 8 + 4);
  });
  return bytes;
}
