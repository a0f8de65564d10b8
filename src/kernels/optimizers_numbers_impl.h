/* What the formulas of the optimizers are told (optimizers_impl.h): REAL is float or double, NUMBERS(name) the type's
 * name. A coefficient of 0 or 1 stands for a term that is absent, so that one formula serves all options. No include
 * guard: one inclusion, one type. */
typedef struct NUMBERS(adam) {
    REAL sign, decay, l2, take1, toward, keep2, take2, step, root, eps;
} NUMBERS(adam);

/* NAdam, RAdam, LAMB. The step is (own · g + step · m) / (scale · √v + eps), or without the divisor where scale is
 * 0. */
typedef struct NUMBERS(moments) {
    REAL sign, decay, l2, take1, toward, keep2, take2, own, step, scale, eps;
} NUMBERS(moments);

typedef struct NUMBERS(adamax) {
    REAL sign, l2, take1, toward, keep2, eps, step;
} NUMBERS(adamax);

typedef struct NUMBERS(sgd) {
    REAL sign, l2, keep, take, lr;
    REAL ahead; /* how much of the buffer is added to the gradient: momentum for Nesterov's */
    REAL own;   /* the part of the gradient itself that stays */
    bool first;
} NUMBERS(sgd);

typedef struct NUMBERS(lion) {
    REAL sign, decay, keep1, take1, keep2, take2, lr;
} NUMBERS(lion);

typedef struct NUMBERS(lars) {
    REAL rate, l2, momentum; /* the rate with its sign */
} NUMBERS(lars);

typedef struct NUMBERS(muon) {
    REAL keep, take;
    bool nesterov;
} NUMBERS(muon);

typedef struct NUMBERS(combine) {
    REAL alpha, beta;
} NUMBERS(combine);

typedef struct NUMBERS(rmsprop) {
    REAL sign, l2, keep, take, eps, momentum, lr;
} NUMBERS(rmsprop);

typedef struct NUMBERS(adagrad) {
    REAL sign, l2, eps, lr;
} NUMBERS(adagrad);

typedef struct NUMBERS(adadelta) {
    REAL sign, l2, keep, take, eps, lr;
} NUMBERS(adadelta);
