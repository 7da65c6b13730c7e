//go:build !purego

#include "textflag.h"
#include "avx2.h"

// What attention does beside products, and gates: QuadDots, AddRows, ExpSum and GateSiLU.

// func quadDotsAVX2(dst, q, keys []float32, pitch int)
//
// An accumulator holds two keys, a quad of each.
TEXT ·quadDotsAVX2(SB), NOSPLIT, $0-80
	MOVQ dst_base+0(FP), DX
	MOVQ dst_len+8(FP), CX
	MOVQ keys_base+48(FP), SI
	MOVQ pitch+72(FP), R11
	SHLQ $2, R11
eight:
	MOVQ q_base+24(FP), R8
	MOVQ q_len+32(FP), R9
	MOVQ SI, R10
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
quad:
	VBROADCASTF128 (R8), Y4
	VFMADD231PS (R10), Y4, Y0
	VFMADD231PS 32(R10), Y4, Y1
	VFMADD231PS 64(R10), Y4, Y2
	VFMADD231PS 96(R10), Y4, Y3
	ADDQ $16, R8
	ADDQ R11, R10
	SUBQ $4, R9
	JNZ quad
	VHADDPS Y1, Y0, Y0
	VHADDPS Y3, Y2, Y2
	VHADDPS Y2, Y0, Y0        // keys 0 2 4 6 and 1 3 5 7
	VEXTRACTF128 $1, Y0, X1
	VUNPCKLPS X1, X0, X2
	VUNPCKHPS X1, X0, X3
	VMOVUPS X2, (DX)
	VMOVUPS X3, 16(DX)
	ADDQ $32, DX
	ADDQ $128, SI
	SUBQ $8, CX
	JNZ eight
	VZEROUPPER
	RET

// func addRowsAVX2(acc, weights, rows []float32)
TEXT ·addRowsAVX2(SB), NOSPLIT, $0-72
	MOVQ acc_base+0(FP), DI
	MOVQ acc_len+8(FP), CX     // columns still to do
	LEAQ (CX*4), BX            // bytes from a row to the next
	MOVQ rows_base+48(FP), DX
	CMPQ weights_len+32(FP), $0
	JEQ none
	SUBQ $64, CX
	JLT narrow
wide:
	MOVQ weights_base+24(FP), SI
	MOVQ weights_len+32(FP), R8
	MOVQ DX, R10
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMOVUPS 64(DI), Y2
	VMOVUPS 96(DI), Y3
	VMOVUPS 128(DI), Y4
	VMOVUPS 160(DI), Y5
	VMOVUPS 192(DI), Y6
	VMOVUPS 224(DI), Y7
row64:
	VBROADCASTSS (SI), Y8
	VFMADD231PS (R10), Y8, Y0
	VFMADD231PS 32(R10), Y8, Y1
	VFMADD231PS 64(R10), Y8, Y2
	VFMADD231PS 96(R10), Y8, Y3
	VFMADD231PS 128(R10), Y8, Y4
	VFMADD231PS 160(R10), Y8, Y5
	VFMADD231PS 192(R10), Y8, Y6
	VFMADD231PS 224(R10), Y8, Y7
	ADDQ $4, SI
	ADDQ BX, R10
	DECQ R8
	JNZ row64
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	VMOVUPS Y4, 128(DI)
	VMOVUPS Y5, 160(DI)
	VMOVUPS Y6, 192(DI)
	VMOVUPS Y7, 224(DI)
	ADDQ $256, DI
	ADDQ $256, DX
	SUBQ $64, CX
	JGE wide
narrow:
	ADDQ $64, CX
	JZ none
quad:
	MOVQ weights_base+24(FP), SI
	MOVQ weights_len+32(FP), R8
	MOVQ DX, R10
	VMOVUPS (DI), X0
row4:
	VBROADCASTSS (SI), X8
	VFMADD231PS (R10), X8, X0
	ADDQ $4, SI
	ADDQ BX, R10
	DECQ R8
	JNZ row4
	VMOVUPS X0, (DI)
	ADDQ $16, DI
	ADDQ $16, DX
	SUBQ $4, CX
	JNZ quad
none:
	VZEROUPPER
	RET

// e^x is 2^n · e^r with |r| <= ln 2 / 2: the exponent's bits times a Taylor polynomial of degree 7, whose rest is below 6e-9.
DATA exp<>+0(SB)/4, $-88.0                 // below: n = -127, whose bits are those of 0
DATA exp<>+4(SB)/4, $1.4286068203094172e-6 // ln 2, low part
DATA exp<>+8(SB)/4, $0.693145751953125     // ln 2, high part: n times it is exact
DATA exp<>+12(SB)/4, $1.4426950408889634   // 1 / ln 2
DATA exp<>+16(SB)/4, $1.984126984126984e-4 // 1/7!
DATA exp<>+20(SB)/4, $1.388888888888889e-3
DATA exp<>+24(SB)/4, $8.333333333333333e-3
DATA exp<>+28(SB)/4, $4.166666666666666e-2
DATA exp<>+32(SB)/4, $0.16666666666666666
DATA exp<>+36(SB)/4, $0.5
DATA exp<>+40(SB)/4, $1.0
GLOBL exp<>(SB), RODATA|NOPTR, $44

#define LOADEXP \
	VBROADCASTSS exp<>+0(SB), Y4 \
	VBROADCASTSS exp<>+4(SB), Y5 \
	VBROADCASTSS exp<>+8(SB), Y6 \
	VBROADCASTSS exp<>+12(SB), Y7 \
	VBROADCASTSS exp<>+16(SB), Y8 \
	VBROADCASTSS exp<>+20(SB), Y9 \
	VBROADCASTSS exp<>+24(SB), Y10 \
	VBROADCASTSS exp<>+28(SB), Y11 \
	VBROADCASTSS exp<>+32(SB), Y12 \
	VBROADCASTSS exp<>+36(SB), Y13 \
	VBROADCASTSS exp<>+40(SB), Y14

// EXP makes Y0 e^Y0, for Y0 up to 88; Y1 and Y2 are scratch, Y4 to Y14 as LOADEXP leaves them.
#define EXP \
	VMAXPS Y0, Y4, Y0 \
	VMULPS Y7, Y0, Y1 \
	VROUNDPS $0, Y1, Y1 \
	VFNMADD231PS Y6, Y1, Y0 \
	VFNMADD231PS Y5, Y1, Y0 \
	VMOVAPS Y8, Y2 \
	VFMADD213PS Y9, Y0, Y2 \
	VFMADD213PS Y10, Y0, Y2 \
	VFMADD213PS Y11, Y0, Y2 \
	VFMADD213PS Y12, Y0, Y2 \
	VFMADD213PS Y13, Y0, Y2 \
	VFMADD213PS Y14, Y0, Y2 \
	VFMADD213PS Y14, Y0, Y2 \
	VCVTPS2DQ Y1, Y1 \
	VPSLLD $23, Y1, Y1 \
	VPADDD Y14, Y1, Y1 \
	VMULPS Y1, Y2, Y0

// func expSumAVX2(x []float32, top float32) float32
TEXT ·expSumAVX2(SB), NOSPLIT, $0-36
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	VBROADCASTSS top+24(FP), Y15
	VXORPS Y3, Y3, Y3
	LOADEXP
	JMP check
eight:
	VMOVUPS (SI), Y0
	VSUBPS Y15, Y0, Y0
	EXP
	VMOVUPS Y0, (SI)
	VADDPS Y0, Y3, Y3
	ADDQ $32, SI
	SUBQ $8, CX
check:
	TESTQ CX, CX
	JNZ eight
	SUM8(Y3, X3, X0)
	VMOVSS X3, ret+32(FP)
	VZEROUPPER
	RET

// func gateSiLUAVX2(dst, pairs []float32)
TEXT ·gateSiLUAVX2(SB), NOSPLIT, $0-48
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ pairs_base+24(FP), SI
	LOADEXP
	JMP check
eight:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VSHUFPS $0x88, Y1, Y0, Y15 // gates 0 1 4 5 2 3 6 7
	VSHUFPS $0xdd, Y1, Y0, Y3  // and what they let through
	VXORPS Y2, Y2, Y2
	VMAXPS Y15, Y4, Y0
	VSUBPS Y0, Y2, Y0
	EXP
	VADDPS Y14, Y0, Y0
	VDIVPS Y0, Y15, Y15
	VMULPS Y3, Y15, Y15
	VPERMPD $0xd8, Y15, Y15
	VMOVUPS Y15, (DI)
	ADDQ $64, SI
	ADDQ $32, DI
	SUBQ $8, CX
check:
	TESTQ CX, CX
	JNZ eight
	VZEROUPPER
	RET
