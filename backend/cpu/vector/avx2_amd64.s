//go:build !purego

#include "textflag.h"

// The loops of plain.go with AVX2, FMA and F16C, for lengths in whole eights. Operands are in Go's order, the result last.

// SUM8 makes X the sum of the eight floats of Y, its low half being X; T is scratch.
#define SUM8(Y, X, T) \
	VEXTRACTF128 $1, Y, T \
	VADDPS T, X, X \
	VHADDPS X, X, X \
	VHADDPS X, X, X

// SUM4X8 makes X the sums of the eight floats of each of A, B, C and D, X being the low half of A and T that of B.
#define SUM4X8(A, B, C, D, X, T) \
	VHADDPS B, A, A \
	VHADDPS D, C, C \
	VHADDPS C, A, A \
	VEXTRACTF128 $1, A, T \
	VADDPS T, X, X

// func dotAVX2(a, b []float32) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-52
	MOVQ a_base+0(FP), SI
	MOVQ a_len+8(FP), CX
	MOVQ b_base+24(FP), DI
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	SUBQ $32, CX
	JLT rest
wide:
	VMOVUPS (SI), Y4
	VMOVUPS 32(SI), Y5
	VMOVUPS 64(SI), Y6
	VMOVUPS 96(SI), Y7
	VFMADD231PS (DI), Y4, Y0
	VFMADD231PS 32(DI), Y5, Y1
	VFMADD231PS 64(DI), Y6, Y2
	VFMADD231PS 96(DI), Y7, Y3
	ADDQ $128, SI
	ADDQ $128, DI
	SUBQ $32, CX
	JGE wide
rest:
	ADDQ $32, CX
	JZ done
eight:
	VMOVUPS (SI), Y4
	VFMADD231PS (DI), Y4, Y0
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JNZ eight
done:
	VADDPS Y1, Y0, Y0
	VADDPS Y3, Y2, Y2
	VADDPS Y2, Y0, Y0
	SUM8(Y0, X0, X1)
	VMOVSS X0, ret+48(FP)
	VZEROUPPER
	RET

// func tileAVX2(sums, w, x0, x1, x2 []float32)
//
// Four rows of w at a time meet the three vectors in twelve accumulators: twelve multiply-adds for seven loads.
TEXT ·tileAVX2(SB), NOSPLIT, $0-120
	MOVQ sums_len+8(FP), AX
	XORQ DX, DX
	MOVQ $3, CX
	DIVQ CX
	MOVQ AX, CX                // rows still to do
	LEAQ (AX*4), R13           // bytes from a vector's sums to the next one's
	MOVQ sums_base+0(FP), DX
	MOVQ w_base+24(FP), R8
	MOVQ x0_base+48(FP), SI
	MOVQ x0_len+56(FP), R12    // k
	MOVQ x1_base+72(FP), DI
	MOVQ x2_base+96(FP), BX
	TESTQ CX, CX
	JZ none
rows:
	LEAQ (R8)(R12*4), R9
	LEAQ (R9)(R12*4), R10
	LEAQ (R10)(R12*4), R11
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	VXORPS Y8, Y8, Y8
	VXORPS Y9, Y9, Y9
	VXORPS Y10, Y10, Y10
	VXORPS Y11, Y11, Y11
	XORQ AX, AX
columns:
	VMOVUPS (SI)(AX*4), Y12
	VMOVUPS (DI)(AX*4), Y13
	VMOVUPS (BX)(AX*4), Y14
	VMOVUPS (R8)(AX*4), Y15
	VFMADD231PS Y15, Y12, Y0
	VFMADD231PS Y15, Y13, Y4
	VFMADD231PS Y15, Y14, Y8
	VMOVUPS (R9)(AX*4), Y15
	VFMADD231PS Y15, Y12, Y1
	VFMADD231PS Y15, Y13, Y5
	VFMADD231PS Y15, Y14, Y9
	VMOVUPS (R10)(AX*4), Y15
	VFMADD231PS Y15, Y12, Y2
	VFMADD231PS Y15, Y13, Y6
	VFMADD231PS Y15, Y14, Y10
	VMOVUPS (R11)(AX*4), Y15
	VFMADD231PS Y15, Y12, Y3
	VFMADD231PS Y15, Y13, Y7
	VFMADD231PS Y15, Y14, Y11
	ADDQ $8, AX
	CMPQ AX, R12
	JLT columns
	SUM4X8(Y0, Y1, Y2, Y3, X0, X1)
	SUM4X8(Y4, Y5, Y6, Y7, X4, X5)
	SUM4X8(Y8, Y9, Y10, Y11, X8, X9)
	VADDPS (DX), X0, X0
	VADDPS (DX)(R13*1), X4, X4
	VADDPS (DX)(R13*2), X8, X8
	VMOVUPS X0, (DX)
	VMOVUPS X4, (DX)(R13*1)
	VMOVUPS X8, (DX)(R13*2)
	ADDQ $16, DX
	LEAQ (R11)(R12*4), R8
	SUBQ $4, CX
	JNZ rows
none:
	VZEROUPPER
	RET

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

// The products of stored rows with one vector, four rows at a time: R8 to R11 point to them, R12 is what they are apart, R13
// what the codes of one take, AX the codes done, SI the vector's next elements, and Y0 to Y3 are the sums. Rows follow one
// another, but four at once are no stream that processors see through: what lies AHEAD bytes on is asked for by hand, which
// nearly halves the time of rows from memory.
#define AHEAD 4096

#define FOURROWS \
	LEAQ (R8)(R12*1), R9 \
	LEAQ (R9)(R12*1), R10 \
	LEAQ (R10)(R12*1), R11 \
	VXORPS Y0, Y0, Y0 \
	VXORPS Y1, Y1, Y1 \
	VXORPS Y2, Y2, Y2 \
	VXORPS Y3, Y3, Y3 \
	XORQ AX, AX

// FOURSUMS leaves the sums in X0.
#define FOURSUMS \
	SUM4X8(Y0, Y1, Y2, Y3, X0, X1) \
	LEAQ (R11)(R12*1), R8

#define ROWBF16(ROW, SUM) \
	VPMOVZXWD (ROW)(AX*1), Y4 \
	VPSLLD $16, Y4, Y4 \
	VFMADD231PS Y8, Y4, SUM

// func dotsBF16AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)
TEXT ·dotsBF16AVX2(SB), NOSPLIT, $0-88
	MOVQ sums_base+0(FP), DX
	MOVQ sums_len+8(FP), CX
	MOVQ rows_base+24(FP), R8
	MOVQ pitch+48(FP), R12
	MOVQ codes+56(FP), R13
	JMP check
rows:
	MOVQ x_base+64(FP), SI
	FOURROWS
eight:
	PREFETCHT0 AHEAD(R8)(AX*4)
	VMOVUPS (SI), Y8
	ROWBF16(R8, Y0)
	ROWBF16(R9, Y1)
	ROWBF16(R10, Y2)
	ROWBF16(R11, Y3)
	ADDQ $32, SI
	ADDQ $16, AX
	CMPQ AX, R13
	JLT eight
	FOURSUMS
	VMOVUPS X0, (DX)
	ADDQ $16, DX
	SUBQ $4, CX
check:
	TESTQ CX, CX
	JNZ rows
	VZEROUPPER
	RET

#define ROWF16(ROW, SUM) \
	VCVTPH2PS (ROW)(AX*1), Y4 \
	VFMADD231PS Y8, Y4, SUM

// func dotsF16AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)
TEXT ·dotsF16AVX2(SB), NOSPLIT, $0-88
	MOVQ sums_base+0(FP), DX
	MOVQ sums_len+8(FP), CX
	MOVQ rows_base+24(FP), R8
	MOVQ pitch+48(FP), R12
	MOVQ codes+56(FP), R13
	JMP check
rows:
	MOVQ x_base+64(FP), SI
	FOURROWS
eight:
	PREFETCHT0 AHEAD(R8)(AX*4)
	VMOVUPS (SI), Y8
	ROWF16(R8, Y0)
	ROWF16(R9, Y1)
	ROWF16(R10, Y2)
	ROWF16(R11, Y3)
	ADDQ $32, SI
	ADDQ $16, AX
	CMPQ AX, R13
	JLT eight
	FOURSUMS
	VMOVUPS X0, (DX)
	ADDQ $16, DX
	SUBQ $4, CX
check:
	TESTQ CX, CX
	JNZ rows
	VZEROUPPER
	RET

// GROUPX loads the vector's next 32 elements into Y8 to Y11.
#define GROUPX \
	VMOVUPS (SI), Y8 \
	VMOVUPS 32(SI), Y9 \
	VMOVUPS 64(SI), Y10 \
	VMOVUPS 96(SI), Y11

// ROWQ8 adds a group's products times its scale, which is at BX: 127 is divided by at the end.
#define ROWQ8(ROW, SUM) \
	VPBROADCASTW (ROW)(BX*1), X4 \
	VCVTPH2PS X4, Y4 \
	VPMOVSXBD (ROW)(AX*1), Y5 \
	VPMOVSXBD 8(ROW)(AX*1), Y6 \
	VPMOVSXBD 16(ROW)(AX*1), Y7 \
	VPMOVSXBD 24(ROW)(AX*1), Y12 \
	VCVTDQ2PS Y5, Y5 \
	VCVTDQ2PS Y6, Y6 \
	VCVTDQ2PS Y7, Y7 \
	VCVTDQ2PS Y12, Y12 \
	VMULPS Y8, Y5, Y5 \
	VFMADD231PS Y9, Y6, Y5 \
	VFMADD231PS Y10, Y7, Y5 \
	VFMADD231PS Y11, Y12, Y5 \
	VFMADD231PS Y5, Y4, SUM

// func dotsQ8AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)
TEXT ·dotsQ8AVX2(SB), NOSPLIT, $0-88
	MOVQ sums_base+0(FP), DX
	MOVQ sums_len+8(FP), CX
	MOVQ rows_base+24(FP), R8
	MOVQ pitch+48(FP), R12
	MOVQ codes+56(FP), R13
	VBROADCASTSS most<>(SB), X15
	JMP check
rows:
	MOVQ x_base+64(FP), SI
	MOVQ R13, BX
	FOURROWS
group:
	PREFETCHT0 AHEAD(R8)(AX*4)
	PREFETCHT0 (AHEAD+64)(R8)(AX*4)
	GROUPX
	ROWQ8(R8, Y0)
	ROWQ8(R9, Y1)
	ROWQ8(R10, Y2)
	ROWQ8(R11, Y3)
	ADDQ $128, SI
	ADDQ $2, BX
	ADDQ $32, AX
	CMPQ AX, R13
	JLT group
	FOURSUMS
	VDIVPS X15, X0, X0
	VMOVUPS X0, (DX)
	ADDQ $16, DX
	SUBQ $4, CX
check:
	TESTQ CX, CX
	JNZ rows
	VZEROUPPER
	RET

// ROWQ4 adds a group's products times its scale, which is at BX with the zero.
#define ROWQ4(ROW, SUM) \
	VPBROADCASTD (ROW)(BX*1), X4 \
	VCVTPH2PS X4, Y4 \
	VMOVSHDUP Y4, Y5 \
	VMOVSLDUP Y4, Y4 \
	VPMOVZXBD (ROW)(AX*1), Y6 \
	VPMOVZXBD 8(ROW)(AX*1), Y7 \
	VPSRLD $4, Y6, Y12 \
	VPSRLD $4, Y7, Y13 \
	VPAND Y15, Y6, Y6 \
	VPAND Y15, Y7, Y7 \
	VCVTDQ2PS Y6, Y6 \
	VCVTDQ2PS Y7, Y7 \
	VCVTDQ2PS Y12, Y12 \
	VCVTDQ2PS Y13, Y13 \
	VSUBPS Y5, Y6, Y6 \
	VSUBPS Y5, Y7, Y7 \
	VSUBPS Y5, Y12, Y12 \
	VSUBPS Y5, Y13, Y13 \
	VMULPS Y8, Y6, Y6 \
	VFMADD231PS Y9, Y7, Y6 \
	VFMADD231PS Y10, Y12, Y6 \
	VFMADD231PS Y11, Y13, Y6 \
	VFMADD231PS Y6, Y4, SUM

// func dotsQ4AVX2(sums []float32, rows []byte, pitch, codes int, x []float32)
TEXT ·dotsQ4AVX2(SB), NOSPLIT, $0-88
	MOVQ sums_base+0(FP), DX
	MOVQ sums_len+8(FP), CX
	MOVQ rows_base+24(FP), R8
	MOVQ pitch+48(FP), R12
	MOVQ codes+56(FP), R13
	VPCMPEQD Y15, Y15, Y15
	VPSRLD $28, Y15, Y15
	JMP check
rows:
	MOVQ x_base+64(FP), SI
	MOVQ R13, BX
	FOURROWS
group:
	PREFETCHT0 AHEAD(R8)(AX*4)
	GROUPX
	ROWQ4(R8, Y0)
	ROWQ4(R9, Y1)
	ROWQ4(R10, Y2)
	ROWQ4(R11, Y3)
	ADDQ $128, SI
	ADDQ $4, BX
	ADDQ $16, AX
	CMPQ AX, R13
	JLT group
	FOURSUMS
	VMOVUPS X0, (DX)
	ADDQ $16, DX
	SUBQ $4, CX
check:
	TESTQ CX, CX
	JNZ rows
	VZEROUPPER
	RET
