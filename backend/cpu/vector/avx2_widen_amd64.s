//go:build !purego

#include "textflag.h"

// Stored elements made f32: Widen.

// func widenF16AVX2(dst []float32, src []uint16)
TEXT ·widenF16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ src_base+24(FP), SI
	XORQ AX, AX
	JMP check
eight:
	VCVTPH2PS (SI)(AX*2), Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
check:
	CMPQ AX, CX
	JLT eight
	VZEROUPPER
	RET

// func widenBF16AVX2(dst []float32, src []uint16)
TEXT ·widenBF16AVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ src_base+24(FP), SI
	XORQ AX, AX
	JMP check
eight:
	VPMOVZXWD (SI)(AX*2), Y0
	VPSLLD $16, Y0, Y0
	VMOVUPS Y0, (DI)(AX*4)
	ADDQ $8, AX
check:
	CMPQ AX, CX
	JLT eight
	VZEROUPPER
	RET

DATA most<>+0(SB)/4, $127.0
GLOBL most<>(SB), RODATA|NOPTR, $4

// OCTET8 widens eight codes of Q8 by the scale in Y0.
#define OCTET8(AT, TO) \
	VPMOVSXBD AT, Y1 \
	VCVTDQ2PS Y1, Y1 \
	VMULPS Y0, Y1, Y1 \
	VMOVUPS Y1, TO

// func widenQ8AVX2(dst []float32, codes []byte, scales []uint16)
TEXT ·widenQ8AVX2(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ codes_base+24(FP), SI
	MOVQ scales_base+48(FP), R8
	MOVQ scales_len+56(FP), CX
	VBROADCASTSS most<>(SB), X15
	JMP check
group:
	VPBROADCASTW (R8), X0
	VCVTPH2PS X0, X0
	VDIVPS X15, X0, X0
	VBROADCASTSS X0, Y0
	OCTET8((SI), (DI))
	OCTET8(8(SI), 32(DI))
	OCTET8(16(SI), 64(DI))
	OCTET8(24(SI), 96(DI))
	ADDQ $32, SI
	ADDQ $128, DI
	ADDQ $2, R8
	DECQ CX
check:
	TESTQ CX, CX
	JNZ group
	VZEROUPPER
	RET

// OCTETS4 widens eight bytes of Q4, whose lower halves are columns 16 before the upper ones; Y1 is the scale, Y2 the zero and
// Y15 a mask of four bits.
#define OCTETS4(AT, LOW, HIGH) \
	VPMOVZXBD AT, Y3 \
	VPAND Y15, Y3, Y4 \
	VPSRLD $4, Y3, Y3 \
	VCVTDQ2PS Y4, Y4 \
	VCVTDQ2PS Y3, Y3 \
	VSUBPS Y2, Y4, Y4 \
	VSUBPS Y2, Y3, Y3 \
	VMULPS Y1, Y4, Y4 \
	VMULPS Y1, Y3, Y3 \
	VMOVUPS Y4, LOW \
	VMOVUPS Y3, HIGH

// func widenQ4AVX2(dst []float32, codes []byte, params []uint16)
TEXT ·widenQ4AVX2(SB), NOSPLIT, $0-72
	MOVQ dst_base+0(FP), DI
	MOVQ codes_base+24(FP), SI
	MOVQ params_base+48(FP), R8
	MOVQ params_len+56(FP), CX
	VPCMPEQD Y15, Y15, Y15
	VPSRLD $28, Y15, Y15
	JMP check
group:
	VPBROADCASTD (R8), X0
	VCVTPH2PS X0, Y0
	VMOVSLDUP Y0, Y1
	VMOVSHDUP Y0, Y2
	OCTETS4((SI), (DI), 64(DI))
	OCTETS4(8(SI), 32(DI), 96(DI))
	ADDQ $16, SI
	ADDQ $128, DI
	ADDQ $4, R8
	SUBQ $2, CX
check:
	TESTQ CX, CX
	JNZ group
	VZEROUPPER
	RET
