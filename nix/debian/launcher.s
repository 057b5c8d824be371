# A static program of a few hundred bytes that starts another through the root file system's loader and changes nothing
# else: not the environment, as a shell script would (PWD, SHLVL), nor argv[0].
#
# python.sh puts the names between at-signs in. If the environment has a NIX_DRIVER_LIBS that is not empty, ":" and its
# value are appended to the library path. The ELF header is written out, so that no linker is needed.
# Registers: rbx argv, r12 argc, rbp envp, r13 the library path. (System V ABI for x86-64, section 3.4.1)

.set base, 0x400000

header:
        .byte   0x7f, 'E', 'L', 'F', 2, 1, 1, 0
        .quad   0
        .short  2, 62                           # executable, x86-64
        .long   1
        .quad   base + start - header, program_header - header, 0
        .long   0
        .short  64, 56, 2, 0, 0, 0
program_header:
        .long   1, 5                            # PT_LOAD, readable and executable
        .quad   0, base, base, end - header, end - header, 0x1000
        .long   0x6474e551, 6                   # PT_GNU_STACK, not executable
        .quad   0, 0, 0, 0, 0, 16

start:
        mov     (%rsp), %r12
        lea     8(%rsp), %rbx
        lea     8(%rbx,%r12,8), %rbp
        lea     libraries(%rip), %r13

        mov     %rbp, %rsi
next_variable:
        lodsq
        test    %rax, %rax
        jz      arguments
        mov     variable(%rip), %rdx
        cmp     %rdx, (%rax)
        jne     next_variable
        mov     variable + 8(%rip), %rdx
        cmp     %rdx, 8(%rax)
        jne     next_variable
        lea     16(%rax), %r14                  # its value
        cmpb    $0, (%r14)
        je      arguments

        mov     %r14, %rdi                      # the value's length with the final zero, by rcx counting down from -1
        xor     %eax, %eax
        mov     $-1, %rcx
        repne   scasb
        not     %rcx
        mov     %rcx, %rdx
        lea     (libraries_end - libraries)(%rdx), %rax
        sub     %rax, %rsp
        and     $-16, %rsp
        mov     %rsp, %rdi
        mov     %r13, %rsi
        mov     %rsp, %r13
        mov     $libraries_end - libraries - 1, %ecx
        rep     movsb
        movb    $':', (%rdi)
        inc     %rdi
        mov     %r14, %rsi
        mov     %rdx, %rcx
        rep     movsb

arguments:
        lea     64(,%r12,8), %rax               # seven words, argv[1] and on, a null
        sub     %rax, %rsp
        and     $-16, %rsp
        mov     %rsp, %rdi
        lea     loader(%rip), %rax
        stosq
        lea     inhibit_cache(%rip), %rax
        stosq
        lea     argv0(%rip), %rax
        stosq
        mov     (%rbx), %rax
        stosq
        lea     library_path(%rip), %rax
        stosq
        mov     %r13, %rax
        stosq
        lea     program(%rip), %rax
        stosq
        lea     8(%rbx), %rsi
        mov     %r12, %rcx                      # argv[1] and on with the null
        rep     movsq

        lea     loader(%rip), %rdi
        mov     %rsp, %rsi
        mov     %rbp, %rdx
        mov     $59, %eax                       # execve
        syscall

        mov     $2, %edi                        # it returns only when the loader is not there
        lea     complaint(%rip), %rsi
        mov     $complaint_end - complaint, %edx
        mov     $1, %eax                        # write
        syscall
        mov     $127, %edi
        mov     $60, %eax                       # exit
        syscall

variable:       .ascii  "NIX_DRIVER_LIBS="
inhibit_cache:  .asciz  "--inhibit-cache"
argv0:          .asciz  "--argv0"
library_path:   .asciz  "--library-path"
loader:         .asciz  "@loader@"
libraries:      .asciz  "@libraries@"
libraries_end:
program:        .asciz  "@program@"
complaint:      .ascii  "@loader@: cannot be started\n"
complaint_end:
end:
