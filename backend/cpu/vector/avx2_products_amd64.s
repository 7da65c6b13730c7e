//go:build !purego

#include "textflag.h"
#include "avx2.h"

// Products in f32 and with rows as they are stored: Dot, Tile and Dots.

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

DATA most<>+0(SB)/4, $127.0
GLOBL most<>(SB), RODATA|NOPTR, $4

// The products of stored rows with one vector, four rows at a time: R8 to R11 point to them, R12 is what they are apart, R13
// what the codes of one take, AX the codes done, SI the vector's next elements, and Y0 to Y3 are the sums. Rows follow one
// another, but four at once are no stream that processors see through: what lies AHEAD bytes on is asked for by hand, which
// nearly halves the time of rows from memory.
#define AHEAD 4096

// FOURROWS starts on four rows.
#define FOURROWS \
	LEAQ (R8)(R12*1), R9 \
	LEAQ (R9)(R12*1), R10 \
	LEAQ (R10)(R12*1), R11 \
	VXORPS Y0, Y0, Y0 \
	VXORPS Y1, Y1, Y1 \
	VXORPS Y2, Y2, Y2 \
	VXORPS Y3, Y3, Y3 \
	XORQ AX, AX

// STORE4 stores the sums, which SUM4X8 left in X0, and goes on to the next rows.
#define STORE4 \
	VMOVUPS X0, (DX) \
	ADDQ $16, DX \
	LEAQ (R11)(R12*1), R8 \
	SUBQ $4, CX

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
	SUM4X8(Y0, Y1, Y2, Y3, X0, X1)
	STORE4
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
	SUM4X8(Y0, Y1, Y2, Y3, X0, X1)
	STORE4
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
	SUM4X8(Y0, Y1, Y2, Y3, X0, X1)
	VDIVPS X15, X0, X0
	STORE4
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
	SUM4X8(Y0, Y1, Y2, Y3, X0, X1)
	STORE4
check:
	TESTQ CX, CX
	JNZ rows
	VZEROUPPER
	RET
